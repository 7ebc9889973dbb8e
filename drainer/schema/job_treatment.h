#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "drainer/tidb/ddl_job.h"

namespace drainer::schema {

/// What a finished job does to the catalogue (spec/schema-and-ddl.md 2.4–2.6).
enum class SchemaChange : uint8_t {
  kNone,
  kCreateDatabase,
  kAlterDatabase,
  kDropDatabase,
  kRecoverDatabase,    ///< comes back with all its tables, which the job does not list
  kCreateTable,        ///< also views, sequences and tables that come back
  kCreateTables,       ///< all of MultipleTableInfos
  kAlterTable,         ///< same table id, new structure
  kDropTable,          ///< also views and sequences
  kTruncateTable,      ///< new table id; rows under the old one are void
  kRekeyTable,         ///< new table id; rows under the old one are good
  kRenameTable,        ///< same table id, maybe another database
  kRenameTables,       ///< several of those
  kExchangePartition,  ///< a partition and a table swap their ids
};

/// What becomes of the job's text.
enum class TextTreatment : uint8_t {
  kExecute,
  kUnsupported,  ///< "skip unsupported DDL job": means nothing downstream
  kRewind,       ///< the data went back without binlogs: stop
};

struct JobTreatment {
  tidb::DdlType type;
  std::string_view name;
  SchemaChange change;
  TextTreatment text;
};

/// All job types that this drainer knows, by number.
std::span<const JobTreatment> job_treatments();
/// Null for a type that is not among them.
const JobTreatment* find_treatment(tidb::DdlType type);

}  // namespace drainer::schema
