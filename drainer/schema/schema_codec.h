#pragma once

#include <functional>

#include "drainer/base/bytes.h"
#include "drainer/base/result.h"
#include "drainer/schema/schema_image.h"

namespace drainer::schema {

// The bytes of a SchemaImage on disk. Pure.
//
// clang-format off
//   store   := "DRSCHEMA" version:u32le record* end
//   record  := size:u32le kind:u8 body          size counts kind and body
//   end     := size:u32le 'Z' hash:u64le        FNV-1a (64 bits) of all bytes before `end`
//   kind    := 'H' cluster commit_ts version    first and once; numbers are zig-zag varints
//            | 'D' id name                      a database
//            | 'T' id schema version            a table
//            | 'X' id finished_ts               a dropped database; the 'x' that follow are its tables
//            | 'x' id schema version
//            | 'A' id id                        an alias
//            | 'G' id is_truncated              a table that is gone
//            | 'E' job effect                   an effect whose binlog has not come yet
//            | 'N' count delta*                 done jobs, sorted
//            | 'K' count delta*                 known jobs, sorted
//   version := name.schema name.table since info has_previous [since info]
// clang-format on

inline constexpr uint32_t kSchemaFormat = 2;

/// Hands the bytes to `write` in pieces of some 64 KiB.
using WriteBytes = std::function<Result<void>(ByteView bytes)>;
Result<void> encode_schema(const SchemaImage& image, uint64_t cluster_id, const WriteBytes& write);

/// Fills a buffer; fewer bytes than wanted only at the end.
using ReadBytes = std::function<Result<size_t>(char* buffer, size_t wanted)>;
/// kCorrupt for anything but a whole, undamaged store of this format; kConflict for one of another
/// cluster. Holds one record at a time besides the result.
Result<SchemaImage> decode_schema(uint64_t cluster_id, const ReadBytes& read);

}  // namespace drainer::schema
