#pragma once

#include <optional>

#include "drainer/base/bytes.h"

namespace drainer::upstream {

/// TiDB's metadata keys in TiKV (spec/upstream-protocols.md 7.1, 7.2).

/// 'm' enc(key) u64('h'): how all fields of a hash begin.
Bytes hash_prefix(ByteView key);
Bytes hash_field_key(ByteView key, ByteView field);
/// 'm' enc(key) u64('s').
Bytes string_key(ByteView key);

struct HashField {
  Bytes key;
  Bytes field;
};
/// The parts of a hash field's key; nothing for other keys.
std::optional<HashField> parse_hash_field(ByteView key);

/// Where a database and a table of it are stored.
Bytes database_key(int64_t schema_id);
Bytes table_key(int64_t schema_id, int64_t table_id);

}  // namespace drainer::upstream
