#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "drainer/base/bytes.h"
#include "drainer/base/result.h"
#include "syncer/mysql/session/session.h"
#include "tests/upstream/row_events.h"

namespace drainer::upstream {

/// A column as a TiDB with this table would have it. Plain data.
struct LiveColumn {
  int64_t id = 0;
  std::string name;
  bool is_unsigned = false;
  std::string json;  ///< TiDB's description
};

/// How the row handle comes about (spec/row-codec.md 3.2).
enum class HandleKind : uint8_t { kInteger, kCommon, kRowId };

struct LiveTable {
  int64_t id = 0;
  int64_t schema_id = 0;
  std::vector<LiveColumn> columns;
  int64_t column_id_max = 0;
  HandleKind handle = HandleKind::kRowId;
  std::vector<size_t> key;  ///< offsets of the primary key's columns
  std::string json;

  std::vector<bool> unsigned_columns() const;
};

/// What a DDL statement did, in TiDB's words. Plain data.
struct LiveJob {
  int64_t id = 0;
  int64_t type = 0;
  int64_t schema_id = 0;
  int64_t table_id = 0;
  std::string schema;
  std::string table;
  std::string query;
  int64_t schema_version = 0;
  std::string database_json = "null";
  std::string table_json = "null";

  /// The history entry; `finished_ts` is when the job ended.
  Bytes json(int64_t start_ts, int64_t finished_ts) const;
};

/// The databases and tables of a MariaDB server under the ids and in the form that TiDB would give
/// them. Knows integers, DOUBLE, CHAR, VARCHAR, BLOB, TEXT, DATETIME and TIMESTAMP; integer primary
/// keys are the row handle, those of several integers a common handle. One thread.
class LiveCatalog {
 public:
  /// `session` must outlive it; it is asked for a table right after each DDL, so that two DDLs on
  /// one table must not follow each other at once.
  explicit LiveCatalog(mysql::Session& session) : session_(session) {}

  /// The job of a statement run in database `schema`; nothing if TiDB would make none.
  Result<std::optional<LiveJob>> run(const std::string& schema, const std::string& sql);

  /// Null for a table that no statement has made.
  const LiveTable* find(const std::string& schema, const std::string& table) const;
  int64_t schema_version() const { return schema_version_; }

  // A row of `table` as it lies in a TableMutation. Of a keyless table each change has a row id of
  // its own: the server does not tell which of several equal rows it was.
  static Bytes insert_row(const LiveTable& table, const DatumRow& row, int64_t row_id);
  static Bytes update_row(const LiveTable& table, const DatumRow& old_row, const DatumRow& new_row,
                          int64_t row_id);
  static Bytes delete_row(const LiveTable& table, const DatumRow& row, int64_t row_id);

 private:
  struct Statement {
    std::string verb;  ///< create, drop, alter, truncate
    bool is_table = false;
    std::string schema;
    std::string table;
  };
  static std::optional<Statement> parse(const std::string& schema, const std::string& sql);
  LiveJob make_job(const Statement& statement, const std::string& sql, int64_t type);
  std::optional<LiveJob> run_on_database(const Statement& statement, const std::string& sql);
  Result<std::optional<LiveJob>> run_on_table(const Statement& statement, const std::string& sql);
  Result<void> describe(const Statement& statement, LiveTable& table);

  mysql::Session& session_;
  int64_t last_id_ = 100;
  int64_t schema_version_ = 0;
  std::map<std::string, int64_t> databases_;
  std::map<std::string, LiveTable> tables_;  ///< by "schema.table"
};

}  // namespace drainer::upstream
