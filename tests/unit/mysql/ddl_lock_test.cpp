// What becomes of the DDL of a drainer that another one has replaced, or that is stopped.
#include "syncer/mysql/ddl_lock.h"

#include <thread>

#include "syncer/mysql/ddl.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/mysql/sample.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using namespace sample;
using fakes::MariadbServer;

constexpr int kAttempts = 3;

/// A process that owns the progress rows until the next one is made.
class Owner {
 public:
  Owner(Inspector& db, const std::string& name) : Owner(db, name, system_clock()) {}
  Owner(Inspector& db, const std::string& name, Clock& clock)
      : id_{.cluster_id = 7, .owner = name},
        runner_(root_session(MariadbServer::shared().port()), DdlLock(id_), kAttempts, clock) {
    ProgressTable progress(id_);
    REQUIRE(progress.create(db.session()).ok());
    REQUIRE(progress.take_over(db.session(), /*workers=*/1).ok());
  }

  DdlLock lock() const { return DdlLock(id_); }
  std::string read_facts(const Ddl& ddl) { return runner_.read_facts(ddl, StopToken()); }
  Result<void> run(const Ddl& ddl, DdlRunner::Journal journal,
                   const StopToken& stop = StopToken()) {
    return runner_.run(ddl, CommitTs(10), std::move(journal), stop);
  }

 private:
  static Clock& system_clock() {
    static SystemClock clock;
    return clock;
  }

  const ProgressTable::Id id_;
  DdlRunner runner_;
};

Ddl ddl_of(const std::string& table, const std::string& text) {
  return *TxnBuilder(10).ddl("test", table, text).build().ddl;
}

void wait_for_state(Inspector& db, const std::string& state) {
  const std::string sql =
      "SELECT COUNT(*) FROM information_schema.processlist WHERE state = '" + state + "'";
  REQUIRE(comes_to(db, sql, "1"));
}

TEST_CASE("ddl lock: a drainer stopped before its ddl runs it no more once it is replaced",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db(MariadbServer::shared().port());
  db.reset("test");
  const Ddl late = ddl_of("late", "CREATE TABLE `late` (`a` INT)");
  Owner first(db, "first");
  const std::string facts = first.read_facts(late);
  Owner second(db, "second");
  const bool runs_ddl = GENERATE(true, false);
  CAPTURE(runs_ddl);
  if (runs_ddl) {
    CHECK(second.run(ddl_of("t", "CREATE TABLE `t` (`a` INT)"), {}).ok());
  } else {
    // The server shows it idle a moment after it has answered.
    const auto has_ended = [&] {
      const auto ended = second.lock().end_idle_holder(db.session());
      REQUIRE(ended.ok());
      return *ended;
    };
    REQUIRE(wait_until(has_ended));
  }
  const auto run = first.run(late, {.facts = facts});
  REQUIRE_FALSE(run.ok());
  CHECK(run.error().code() == ErrorCode::kConflict);
  CHECK(run.error().text().find("another drainer (second)") != std::string::npos);
  CHECK(db.rows("SHOW TABLES FROM test") == (runs_ddl ? "t" : ""));
}

TEST_CASE("ddl lock: a ddl that an earlier drainer still runs is waited for, and not run twice",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db(MariadbServer::shared().port());
  db.reset("test");
  db.run("CREATE TABLE t(a INT)");
  const Ddl add = ddl_of("t", "ALTER TABLE `t` ADD INDEX (`a`)");
  Owner first(db, "first");
  const std::string facts = first.read_facts(add);
  Inspector reader(MariadbServer::shared().port());
  reader.run("START TRANSACTION");
  reader.rows("SELECT * FROM test.t");
  Result<void> first_run;
  std::thread first_thread([&] { first_run = first.run(add, {.facts = facts}); });
  wait_for_state(db, "Waiting for table metadata lock");

  Owner second(db, "second");
  Result<void> second_run;
  std::thread second_thread(
      [&] { second_run = second.run(add, {.facts = facts, .may_be_done = true}); });
  wait_for_state(db, "User lock");
  reader.run("COMMIT");
  first_thread.join();
  second_thread.join();
  CHECK(first_run.ok());
  CHECK(second_run.ok());
  CHECK(db.rows("SELECT index_name FROM information_schema.statistics WHERE "
                "table_schema='test'") == "a");
}

TEST_CASE("ddl lock: nobody is ended on a TiDB, which does not tell who holds it", "[mariadb]") {
  REQUIRE_MARIADB();
  const MariadbServer server({"--version=8.0.11-TiDB-v7.5.0"});
  Inspector holder(server.port());
  CHECK(holder.session().is_tidb());
  const NamedLock lock("drainer test");
  CHECK(lock.try_take(holder.session()).value());
  Inspector other(server.port());
  CHECK_FALSE(lock.try_take(other.session()).value());
  CHECK_FALSE(lock.end_idle_holder(other.session()).value());
  CHECK(holder.rows("SELECT 1") == "1");
}

TEST_CASE("ddl lock: a ddl that takes long ends with the drainer, and is run by the next one",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db(MariadbServer::shared().port());
  db.reset("test");
  db.run("CREATE TABLE t(a INT)");
  const Ddl add = ddl_of("t", "ALTER TABLE `t` ADD INDEX (`a`)");
  fakes::FakeClock clock;
  Owner first(db, "first", clock);
  const std::string facts = first.read_facts(add);
  Inspector reader(MariadbServer::shared().port());
  reader.run("START TRANSACTION");
  reader.rows("SELECT * FROM test.t");
  StopSource stop;
  Result<void> first_run;
  std::thread first_thread([&] { first_run = first.run(add, {.facts = facts}, stop.get_token()); });
  wait_for_state(db, "Waiting for table metadata lock");
  CHECK(clock.slept().empty());
  stop.request_stop();
  first_thread.join();
  REQUIRE_FALSE(first_run.ok());
  CHECK(first_run.error().code() == ErrorCode::kStopped);
  CHECK(clock.slept().at(0) == std::chrono::seconds(10));

  reader.run("COMMIT");
  Owner second(db, "second");
  CHECK(second.run(add, {.facts = facts, .may_be_done = true}).ok());
  CHECK(db.rows("SELECT index_name FROM information_schema.statistics WHERE "
                "table_schema='test'") == "a");
}

}  // namespace
}  // namespace drainer::mysql
