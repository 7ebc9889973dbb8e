#pragma once

#include "drainer/base/bytes.h"
#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "drainer/tidb/table_info.h"

#include <cstdint>
#include <span>
#include <vector>

namespace drainer::tidb {

enum class MutationType : uint8_t {
  kInsert = 0,
  kUpdate = 1,
  kDeleteId = 2,
  kDeletePk = 3,
  kDeleteRow = 4
};

/// The fields of a received Binlog message (spec/upstream-protocols.md 1.1). Borrows the buffer.
struct BinlogView {
  int32_t type = 0;
  StartTs start_ts;
  CommitTs commit_ts;
  ByteView prewrite_value;
  ByteView ddl_query;
  DdlJobId ddl_job_id;
  SchemaState ddl_schema_state = SchemaState::kNone;

  /// Carries no data; only tells that the pump has nothing up to commit_ts.
  bool is_fake() const { return start_ts.value == commit_ts.value; }
  bool is_ddl() const { return !is_fake() && ddl_job_id.value > 0; }
};

/// One TableMutation: rows by kind and the order in which to take them. Borrows the buffer, and its
/// lists from the PrewriteView.
struct MutationView {
  TableId table_id;
  std::span<const ByteView> inserted_rows;
  std::span<const ByteView> updated_rows;
  std::span<const ByteView> deleted_rows;
  std::span<const MutationType> sequence;
};

/// A PrewriteValue. Borrows the buffer.
struct PrewriteView {
  PrewriteView() = default;
  PrewriteView(PrewriteView&&) = default;
  PrewriteView& operator=(PrewriteView&&) = default;

  SchemaVersion schema_version;
  std::vector<MutationView> mutations;
  /// Those of all mutations; their lists lie in here.
  std::vector<ByteView> rows;
  std::vector<MutationType> sequence;
};

/// All skip unknown fields, refuse groups and check every length. kCorrupt names the byte offset.
/// Enumerators beyond 255 become 255. An empty payload is an all-zero message.
Result<BinlogView> parse_binlog(ByteView payload);
Result<PrewriteView> parse_prewrite(ByteView prewrite_value);

}  // namespace drainer::tidb
