#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "drainer/base/bytes.h"
#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "drainer/tidb/table_info.h"

namespace drainer::tidb {

/// Number of a DDL action (spec/schema-and-ddl.md 1.4). Values outside the list are kept as they
/// are.
enum class DdlType : uint8_t {
  kNone = 0,
  kCreateSchema = 1,
  kDropSchema = 2,
  kCreateTable = 3,
  kDropTable = 4,
  kAddColumn = 5,
  kDropColumn = 6,
  kAddIndex = 7,
  kDropIndex = 8,
  kAddForeignKey = 9,
  kDropForeignKey = 10,
  kTruncateTable = 11,
  kModifyColumn = 12,
  kRebaseAutoId = 13,
  kRenameTable = 14,
  kSetDefaultValue = 15,
  kShardRowId = 16,
  kModifyTableComment = 17,
  kRenameIndex = 18,
  kAddTablePartition = 19,
  kDropTablePartition = 20,
  kCreateView = 21,
  kModifyTableCharsetAndCollate = 22,
  kTruncateTablePartition = 23,
  kDropView = 24,
  kRecoverTable = 25,
  kModifySchemaCharsetAndCollate = 26,
  kLockTable = 27,
  kUnlockTable = 28,
  kRepairTable = 29,
  kSetTiFlashReplica = 30,
  kUpdateTiFlashReplicaStatus = 31,
  kAddPrimaryKey = 32,
  kDropPrimaryKey = 33,
  kCreateSequence = 34,
  kAlterSequence = 35,
  kDropSequence = 36,
  kAddColumns = 37,
  kDropColumns = 38,
  kModifyTableAutoIdCache = 39,
  kRebaseAutoRandomBase = 40,
  kAlterIndexVisibility = 41,
  kExchangeTablePartition = 42,
  kAddCheckConstraint = 43,
  kDropCheckConstraint = 44,
  kAlterCheckConstraint = 45,
  kRenameTables = 47,
  kDropIndexes = 48,
  kAlterTableAttributes = 49,
  kAlterTablePartitionAttributes = 50,
  kCreatePlacementPolicy = 51,
  kAlterPlacementPolicy = 52,
  kDropPlacementPolicy = 53,
  kAlterTablePartitionPlacement = 54,
  kModifySchemaDefaultPlacement = 55,
  kAlterTablePlacement = 56,
  kAlterCacheTable = 57,
  kAlterTableStatsOptions = 58,
  kAlterNoCacheTable = 59,
  kCreateTables = 60,
  kMultiSchemaChange = 61,
  kFlashbackCluster = 62,
  kRecoverSchema = 63,
  kReorganizePartition = 64,
  kAlterTtlInfo = 65,
  kAlterTtlRemove = 67,
  kCreateResourceGroup = 68,
  kAlterResourceGroup = 69,
  kDropResourceGroup = 70,
  kAlterTablePartitioning = 71,
  kRemovePartitioning = 72,
};

/// State of a job (1.5). Only kDone and kSynced mean that the change happened.
enum class DdlJobState : uint8_t {
  kNone = 0,
  kRunning = 1,
  kRollingback = 2,
  kRollbackDone = 3,
  kDone = 4,
  kCancelled = 5,
  kSynced = 6,
  kCancelling = 7,
  kQueueing = 8,
  kPaused = 9,
  kPausing = 10,
};

/// One entry of the DDL job history (1.3, 1.6). Immutable after parsing.
struct DdlJob {
  DdlJobId id;
  DdlType type = DdlType::kNone;
  SchemaId schema_id;
  TableId table_id;
  std::string schema_name;  ///< lower case, may be empty in old jobs
  std::string table_name;   ///< lower case, before the change, may be empty in old jobs
  DdlJobState state = DdlJobState::kNone;
  SchemaState schema_state = SchemaState::kNone;
  StartTs start_ts;
  std::string query;  ///< the user's text
  Bytes raw_args;     ///< JSON text of the arguments, empty when null

  // binlog (HistoryInfo)
  SchemaVersion schema_version;
  /// Of a multi-schema change what its sub-jobs tell for public_since(); 0: nothing.
  SchemaVersion told_public_since;
  int64_t finished_ts = 0;
  std::unique_ptr<DbInfo> db_info;
  std::shared_ptr<const TableInfo> table_info;
  std::vector<std::shared_ptr<const TableInfo>> multiple_table_infos;

  /// From which version on rows may have what it adds or widens. Less than schema_version for
  /// multi-schema changes that drop something, too, which takes several versions more (3.4).
  SchemaVersion public_since() const {
    const bool is_less = told_public_since.value > 0 && told_public_since < schema_version;
    return is_less ? told_public_since : schema_version;
  }
  bool is_finished() const { return state == DdlJobState::kDone || state == DdlJobState::kSynced; }
};

/// For error texts: which job it is, as far as it has been read.
std::string describe_job(const DdlJob& job);

/// Parses the JSON of a history entry (spec/schema-and-ddl.md 1.1–1.18). kCorrupt names the job and
/// the byte offset.
Result<DdlJob> parse_ddl_job(ByteView json);

/// A history entry with its big parts still as JSON text. Borrows the document.
struct DdlJobOutline {
  DdlJob job;  ///< without raw_args, db_info, table_info, multiple_table_infos
  ByteView raw_args;
  ByteView db_info;
  ByteView table_info;
  std::vector<ByteView> multiple_table_infos;
};

/// The cheap half of parse_ddl_job(), for those who look at very many jobs.
Result<DdlJobOutline> parse_ddl_job_outline(ByteView json);

}  // namespace drainer::tidb
