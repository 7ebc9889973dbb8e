#pragma once

#include "drainer/base/bytes.h"
#include "drainer/base/result.h"

namespace drainer::cluster {

// Keys of TiKV (spec/upstream-protocols.md 6.3, 7.1). Pure.
//
//   memcomparable := { 8 bytes  FF }  last group of 0..7 bytes, padded with 00 to 8  (FF - pads)
//   meta key      := 'm'  memcomparable(key)  u64(flag)  [ memcomparable(field) | i64(index) ]

/// Appends the order-keeping, self-terminating form of `raw`.
void append_memcomparable(Bytes& out, ByteView raw);

/// The reverse, for a whole key: nothing may follow.
Result<Bytes> decode_memcomparable(ByteView encoded);

/// Which structure a meta key belongs to; the number stands in the key.
enum class MetaFlag : char {
  kString = 's',
  kHash = 'h',
  kHashMeta = 'H',
  kList = 'l',
  kListMeta = 'L',
};

/// Key of a string or of a meta row, and prefix of all fields of a hash or items of a list.
Bytes meta_key(ByteView key, MetaFlag flag);
/// First key after all those that start with `prefix`. Requires: last byte below FF.
Bytes prefix_end(Bytes prefix);

/// Key of one field of a hash.
Bytes hash_field_key(ByteView key, ByteView field);
/// The field of a key that starts with `prefix` = meta_key(…, kHash).
Result<Bytes> parse_hash_field(ByteView prefix, ByteView full_key);

}  // namespace drainer::cluster
