#include "drainer/schema/job_treatment.h"

#include <algorithm>

namespace drainer::schema {

namespace {

using tidb::DdlType;
using enum SchemaChange;
using enum TextTreatment;

// Numbers 46 and 66 were never stored with a change; those above 72 came after the end of TiDB
// Binlog.
constexpr JobTreatment kTreatments[] = {
    {DdlType::kCreateSchema, "create schema", kCreateDatabase, kExecute},
    {DdlType::kDropSchema, "drop schema", kDropDatabase, kExecute},
    {DdlType::kCreateTable, "create table", kCreateTable, kExecute},
    {DdlType::kDropTable, "drop table", kDropTable, kExecute},
    {DdlType::kAddColumn, "add column", kAlterTable, kExecute},
    {DdlType::kDropColumn, "drop column", kAlterTable, kExecute},
    {DdlType::kAddIndex, "add index", kAlterTable, kExecute},
    {DdlType::kDropIndex, "drop index", kAlterTable, kExecute},
    {DdlType::kAddForeignKey, "add foreign key", kAlterTable, kExecute},
    {DdlType::kDropForeignKey, "drop foreign key", kAlterTable, kExecute},
    {DdlType::kTruncateTable, "truncate table", kTruncateTable, kExecute},
    {DdlType::kModifyColumn, "modify column", kAlterTable, kExecute},
    {DdlType::kRebaseAutoId, "rebase auto_increment ID", kAlterTable, kExecute},
    {DdlType::kRenameTable, "rename table", kRenameTable, kExecute},
    {DdlType::kSetDefaultValue, "set default value", kAlterTable, kExecute},
    {DdlType::kShardRowId, "shard row ID", kAlterTable, kExecute},
    {DdlType::kModifyTableComment, "modify table comment", kAlterTable, kExecute},
    {DdlType::kRenameIndex, "rename index", kAlterTable, kExecute},
    {DdlType::kAddTablePartition, "add partition", kAlterTable, kExecute},
    {DdlType::kDropTablePartition, "drop partition", kAlterTable, kExecute},
    {DdlType::kCreateView, "create view", kCreateTable, kExecute},
    {DdlType::kModifyTableCharsetAndCollate, "modify table charset and collate", kAlterTable,
     kExecute},
    {DdlType::kTruncateTablePartition, "truncate partition", kAlterTable, kExecute},
    {DdlType::kDropView, "drop view", kDropTable, kExecute},
    {DdlType::kRecoverTable, "recover table", kCreateTable, kExecute},
    {DdlType::kModifySchemaCharsetAndCollate, "modify schema charset and collate", kAlterDatabase,
     kExecute},
    {DdlType::kLockTable, "lock table", kNone, kUnsupported},
    {DdlType::kUnlockTable, "unlock table", kNone, kUnsupported},
    {DdlType::kRepairTable, "repair table", kAlterTable, kExecute},
    {DdlType::kSetTiFlashReplica, "set tiflash replica", kAlterTable, kExecute},
    {DdlType::kUpdateTiFlashReplicaStatus, "update tiflash replica status", kNone, kUnsupported},
    {DdlType::kAddPrimaryKey, "add primary key", kAlterTable, kExecute},
    {DdlType::kDropPrimaryKey, "drop primary key", kAlterTable, kExecute},
    {DdlType::kCreateSequence, "create sequence", kCreateTable, kExecute},
    {DdlType::kAlterSequence, "alter sequence", kAlterTable, kExecute},
    {DdlType::kDropSequence, "drop sequence", kDropTable, kExecute},
    {DdlType::kAddColumns, "add multi-columns", kAlterTable, kExecute},
    {DdlType::kDropColumns, "drop multi-columns", kAlterTable, kExecute},
    {DdlType::kModifyTableAutoIdCache, "modify auto id cache", kAlterTable, kExecute},
    {DdlType::kRebaseAutoRandomBase, "rebase auto_random ID", kAlterTable, kExecute},
    {DdlType::kAlterIndexVisibility, "alter index visibility", kAlterTable, kExecute},
    {DdlType::kExchangeTablePartition, "exchange partition", kExchangePartition, kExecute},
    {DdlType::kAddCheckConstraint, "add check constraint", kAlterTable, kExecute},
    {DdlType::kDropCheckConstraint, "drop check constraint", kAlterTable, kExecute},
    {DdlType::kAlterCheckConstraint, "alter check constraint", kAlterTable, kExecute},
    {DdlType::kRenameTables, "rename tables", kRenameTables, kExecute},
    {DdlType::kDropIndexes, "drop multi-indexes", kAlterTable, kExecute},
    {DdlType::kAlterTableAttributes, "alter table attributes", kNone, kUnsupported},
    {DdlType::kAlterTablePartitionAttributes, "alter table partition attributes", kNone,
     kUnsupported},
    {DdlType::kCreatePlacementPolicy, "create placement policy", kNone, kUnsupported},
    {DdlType::kAlterPlacementPolicy, "alter placement policy", kNone, kUnsupported},
    {DdlType::kDropPlacementPolicy, "drop placement policy", kNone, kUnsupported},
    {DdlType::kAlterTablePartitionPlacement, "alter table partition placement", kNone,
     kUnsupported},
    {DdlType::kModifySchemaDefaultPlacement, "modify schema default placement", kNone,
     kUnsupported},
    {DdlType::kAlterTablePlacement, "alter table placement", kNone, kUnsupported},
    {DdlType::kAlterCacheTable, "alter table cache", kNone, kUnsupported},
    {DdlType::kAlterTableStatsOptions, "alter table statistics options", kAlterTable, kExecute},
    {DdlType::kAlterNoCacheTable, "alter table nocache", kNone, kUnsupported},
    {DdlType::kCreateTables, "create tables", kCreateTables, kExecute},
    {DdlType::kMultiSchemaChange, "alter table multi-schema change", kAlterTable, kExecute},
    {DdlType::kFlashbackCluster, "flashback cluster", kNone, kRewind},
    {DdlType::kRecoverSchema, "flashback schema", kRecoverDatabase, kExecute},
    {DdlType::kReorganizePartition, "alter table reorganize partition", kAlterTable, kExecute},
    {DdlType::kAlterTtlInfo, "alter table ttl", kAlterTable, kExecute},
    {DdlType::kAlterTtlRemove, "alter table no_ttl", kAlterTable, kExecute},
    {DdlType::kCreateResourceGroup, "create resource group", kNone, kUnsupported},
    {DdlType::kAlterResourceGroup, "alter resource group", kNone, kUnsupported},
    {DdlType::kDropResourceGroup, "drop resource group", kNone, kUnsupported},
    {DdlType::kAlterTablePartitioning, "alter table partition by", kRekeyTable, kExecute},
    {DdlType::kRemovePartitioning, "alter table remove partitioning", kRekeyTable, kExecute},
};
static_assert(std::ranges::is_sorted(kTreatments, {}, &JobTreatment::type));

}  // namespace

std::span<const JobTreatment> job_treatments() {
  return kTreatments;
}

const JobTreatment* find_treatment(tidb::DdlType type) {
  const auto* found = std::ranges::lower_bound(kTreatments, type, {}, &JobTreatment::type);
  return found != std::end(kTreatments) && found->type == type ? found : nullptr;
}

}  // namespace drainer::schema
