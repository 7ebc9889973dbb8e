#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drainer/schema/schema.h"
#include "syncer/mysql/mysql_sink.h"
#include "syncer/mysql/rows/statement.h"
#include "syncer/mysql/session/session.h"
#include "syncer/txn.h"
#include "tests/fakes/mariadb_server.h"
#include "tests/fakes/wait_until.h"

namespace drainer::mysql::sample {

struct Column {
  std::string name;
  tidb::ColumnType type;
  std::string charset = "utf8mb4";
  bool is_generated = false;
};

/// An upstream table of public columns.
std::shared_ptr<const schema::TableVersion> table(const std::string& schema,
                                                  const std::string& name,
                                                  const std::vector<Column>& columns);
/// (id int, b varchar, c text) and (x int, y double): the tables of mysql-sink.md 7.
std::shared_ptr<const schema::TableVersion> table_t(const std::string& schema = "test");
std::shared_ptr<const schema::TableVersion> table_n(const std::string& schema = "test");

tidb::Value number(int64_t value);
tidb::Value real(double value);
/// Text whose bytes live until the program ends.
tidb::Value text(const std::string& value);
tidb::Value binary(const std::string& value);
tidb::Value null();

using Values = std::vector<tidb::Value>;
using TablePtr = std::shared_ptr<const schema::TableVersion>;

/// Puts an upstream transaction together.
class TxnBuilder {
 public:
  explicit TxnBuilder(int64_t commit_ts) { txn_.commit_ts = CommitTs(commit_ts); }

  TxnBuilder& insert(const TablePtr& table, const Values& row);
  TxnBuilder& update(const TablePtr& table, const Values& old_row, const Values& new_row);
  TxnBuilder& remove(const TablePtr& table, const Values& row);
  TxnBuilder& ddl(const std::string& schema, const std::string& table, const std::string& text);

  Txn build() { return std::move(txn_); }

 private:
  void add(RowKind kind, const TablePtr& table, const Values& new_row, const Values* old_row);

  Txn txn_;
};

/// Root's session options for a server on 127.0.0.1.
SessionOptions root_session(uint16_t port);
/// Sink options for a server on 127.0.0.1, cluster id 7.
MysqlSinkOptions sink_options(uint16_t port);

/// A session for preparing and looking at the downstream; CHECKs that all works.
class Inspector {
 public:
  explicit Inspector(uint16_t port);
  /// A new empty database `name`, nothing left of earlier progress.
  void reset(const std::string& name);
  void run(const std::string& sql);
  /// Rows as "a|b|NULL" joined by newlines.
  std::string rows(const std::string& sql);
  Session& session() { return *session_; }

 private:
  std::unique_ptr<Session> session_;
};

using fakes::wait_until;
/// Waits until a query has this answer (Inspector::rows()).
bool comes_to(Inspector& db, const std::string& sql, const std::string& rows);

/// An open, started sink and what it reports.
class RunningSink {
 public:
  RunningSink(MysqlSinkOptions options, Clock& clock);
  explicit RunningSink(MysqlSinkOptions options);

  void submit(Txn txn);
  /// Blocks until everything up to `commit_ts` is applied. False when the sink failed before.
  bool wait_applied(int64_t commit_ts);
  /// Closes the input and waits for the end; the sink's error, "" for none.
  std::string finish();
  MysqlSink& sink() { return *sink_; }

 private:
  SystemClock system_clock_;
  std::unique_ptr<MysqlSink> sink_;
  ThreadGroup threads_;
};

}  // namespace drainer::mysql::sample

/// Skips the test case, and says so, where there is no MariaDB.
#define REQUIRE_MARIADB()                                                 \
  do {                                                                    \
    if (!::drainer::fakes::MariadbServer::is_present()) {                 \
      WARN("skipped: mariadbd and mariadb-install-db are not installed"); \
      return;                                                             \
    }                                                                     \
  } while (false)
