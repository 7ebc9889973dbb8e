#include "tests/unit/conf/loading.h"

#include <filesystem>

#include <fmt/format.h>
#include <catch2/catch.hpp>

namespace drainer::test {

TEST_CASE("file: the values of the file that the Go drainer ships load unchanged") {
  const Options options = options_of({.file = R"(
addr = "127.0.0.1:8249"
advertise-addr = ""
detect-interval = 10
data-dir = "data.drainer"
pd-urls = "http://127.0.0.1:2379"
compressor = ""
[syncer]
txn-batch = 20
sync-ddl = true
loopback-control = false
channel-id = 1
worker-count = 16
safe-mode = false
db-type = "mysql"
ignore-txn-commit-ts = []
ignore-schemas = "INFORMATION_SCHEMA,PERFORMANCE_SCHEMA,mysql"
[syncer.relay]
[syncer.to]
host = "127.0.0.1"
user = "root"
password = ""
encrypted_password = ""
port = 3306
[syncer.to.checkpoint]
)"});
  CHECK(options.addr == "127.0.0.1:8249");
  CHECK(options.advertise_addr == "127.0.0.1:8249");
  CHECK(options.detect_interval_s == 10);
  CHECK(options.syncer.channel_id == 1);
  CHECK(options.syncer.relay.log_dir.empty());
  CHECK(options.syncer.to.host == "127.0.0.1");
  CHECK(options.syncer.to.port == 3306);
}

TEST_CASE("file: the files of the recorded streams load") {
  const std::filesystem::path captures = "/work/shared/captures";
  if (!std::filesystem::exists(captures)) {
    WARN("skipped: " << captures << " is absent");
    return;
  }
  int loaded = 0;
  for (const auto& entry : std::filesystem::directory_iterator(captures)) {
    const std::filesystem::path file = entry.path() / "drainer.toml";
    if (!std::filesystem::exists(file)) continue;
    INFO(file);
    CHECK(
        options_of({.flags = {"-config", file.string()}}).pd_urls.starts_with("http://127.0.0.1"));
    ++loaded;
  }
  CHECK(loaded > 0);
}

TEST_CASE("file: tables, arrays of tables and maps are read") {
  const SyncerOptions syncer = options_of({.file = R"(
[syncer]
case-sensitive = true
ignore-txn-commit-ts = [1, 2]
replicate-do-db = ["~^B.*\\D", "S1"]
[[syncer.replicate-do-table]]
db-name = "Test"
tbl-name = "~^A"
[[syncer.ignore-table]]
db-name = "Test"
tbl-name = "Log"
[[syncer.table-migrate-rule]]
binlog-filter-rule = ["one", "two"]
[syncer.table-migrate-rule.source]
schema = "s*"
table = "t*"
[[syncer.table-migrate-rule]]
binlog-filter-rule = ["two"]
source.schema = "x"
[syncer.binlog-filter-rule.one]
ignore-event = ["truncate table", "delete"]
[syncer.binlog-filter-rule.two]
ignore-sql = ["alter table .*"]
[syncer.to.params]
time_zone = "+00:00"
)"})
                                   .syncer;
  CHECK(syncer.case_sensitive);
  CHECK(syncer.ignore_txn_commit_ts == std::vector<int64_t>{1, 2});
  // KEEP: lower case inside of regular expressions too.
  CHECK(syncer.replicate_do_db == std::vector<std::string>{"~^b.*\\d", "s1"});
  CHECK(syncer.replicate_do_table == std::vector<TablePattern>{{"test", "~^a"}});
  CHECK(syncer.ignore_table == std::vector<TablePattern>{{"Test", "Log"}});
  REQUIRE(syncer.table_migrate_rule.size() == 2);
  CHECK(syncer.table_migrate_rule[0].binlog_filter_rule == std::vector<std::string>{"one", "two"});
  CHECK(syncer.table_migrate_rule[0].source_schema == "s*");
  CHECK(syncer.table_migrate_rule[0].source_table == "t*");
  CHECK(syncer.table_migrate_rule[1].source_schema == "x");
  REQUIRE(syncer.binlog_filter_rule.size() == 2);
  CHECK(syncer.binlog_filter_rule.at("one").ignore_event ==
        std::vector<std::string>{"truncate table", "delete"});
  CHECK(syncer.binlog_filter_rule.at("two").ignore_sql ==
        std::vector<std::string>{"alter table .*"});
  CHECK(syncer.to.params == std::map<std::string, std::string>{{"time_zone", "+00:00"}});
}

TEST_CASE("file: keys match without regard to case, and an exact match wins") {
  CHECK(options_of({.file = "[Syncer]\nWorker-Count = 3\n"}).syncer.worker_count == 3);
  CHECK(options_of({.file = "metricsaddr = 'a:1'\nMETRICSINTERVAL = 4\n"}).metrics_addr == "a:1");
  CHECK(options_of({.file = "node-id = 'exact'\nNode-ID = 'other'\n"}).node_id == "exact");
  CHECK(options_of({.file = "Node-ID = 'other'\nnode-id = 'exact'\n"}).node_id == "exact");
}

TEST_CASE("file: both names of the schema snapshot are taken") {
  CHECK(options_of({.file = "syncer.load-schema-snapshot = true\n"}).syncer.load_schema_snapshot);
  CHECK(options_of({.file = "syncer.load-table-infos = true\n"}).syncer.load_schema_snapshot);
}

TEST_CASE("file: a present but empty sql-mode differs from an absent one") {
  CHECK_FALSE(options_of({}).syncer.sql_mode.has_value());
  CHECK(options_of({.file = "syncer.sql-mode = ''\n"}).syncer.sql_mode == "");
}

TEST_CASE("file: a bare integer of read-timeout counts days") {
  const auto timeout = [](const std::string& value) {
    return options_of({.file = "syncer.to.read-timeout = " + value + "\n"}).syncer.to.read_timeout;
  };
  CHECK(timeout("7") == std::chrono::hours(168));
  CHECK(timeout("'7'") == std::chrono::hours(168));
  CHECK(timeout("'10m'") == std::chrono::minutes(10));
  CHECK(timeout("'1m30s'") == std::chrono::seconds(90));
  const auto problem = [](const std::string& value) {
    return problem_of({.file = "syncer.to.read-timeout = " + value + "\n"});
  };
  const std::string head =
      "toml: line 1 (last key \"syncer.to.read-timeout\"): unsupported gc time ";
  const std::string advice = ", etc: use 7 for 7 day, 7h for 7 hour: time: ";
  CHECK(problem("'7d'") == head + "7d" + advice + "unknown unit \"d\" in duration \"7d\"");
  CHECK(problem("-7") == head + "-7" + advice + "missing unit in duration \"-7\"");
  CHECK(problem("''") == head + advice + "invalid duration \"\"");
  CHECK(problem("true") == head + "true" + advice + "invalid duration \"true\"");
  CHECK(problem("1.5") == head + "1.500000" + advice + "missing unit in duration \"1.500000\"");
  CHECK(problem("99999999") == head + "99999999" + advice + "invalid duration \"99999999\"");
  CHECK(problem("[]") ==
        "toml: line 1 (last key \"syncer.to.read-timeout\"): incompatible types: TOML value has "
        "type []interface {}; destination has type primitive (string-like)");
}

TEST_CASE("file: durations and 32-bit numbers have limits of their own") {
  CHECK(options_of({.file = "EtcdTimeout = '10s'\n"}).etcd_timeout == std::chrono::seconds(10));
  CHECK(options_of({.file = "EtcdTimeout = 10\n"}).etcd_timeout == std::chrono::nanoseconds(10));
  CHECK(problem_of({.file = "EtcdTimeout = 'x'\n"}) ==
        "toml: line 1 (last key \"EtcdTimeout\"): invalid duration: \"x\"");
  CHECK(problem_of({.file = "\n[syncer.to]\nkafka-max-message-size = 2147483648\n"}) ==
        "toml: line 3 (last key \"syncer.to.kafka-max-message-size\"): 2147483648 is out of range "
        "for int32");
}

TEST_CASE("file: a value where a table belongs is refused with the type of the original") {
  const std::pair<std::string, std::string> cases[] = {
      {"syncer = 1", "type mismatch for drainer.SyncerConfig: expected table but found int64"},
      {"security = 'x'", "type mismatch for security.Config: expected table but found string"},
      {"syncer.to = 'x'", "type mismatch for sync.DBConfig: expected table but found string"},
      {"syncer.relay = true",
       "type mismatch for drainer.RelayConfig: expected table but found bool"},
      {"syncer.to.checkpoint = 'x'",
       "type mismatch for sync.CheckpointConfig: expected table but found string"},
      {"syncer.to.security = []",
       "type mismatch for security.Config: expected table but found []interface {}"},
      {"syncer.ignore-table = ['x']",
       "type mismatch for filter.TableName: expected table but found string"},
      {"syncer.replicate-do-db = ['a', 1]",
       "incompatible types: TOML value has type int64; destination has type string"},
  };
  for (const auto& [line, text] : cases) {
    INFO(line);
    const std::string key = line.substr(0, line.find(' '));
    CHECK(problem_of({.file = line + "\n"}) ==
          fmt::format("toml: line 1 (last key \"{}\"): {}", key, text));
  }
}

TEST_CASE("file: unknown keys are named in one line, and each with its line and the nearest key") {
  CHECK(problems_of({.file = R"(pd-url = "http://127.0.0.1:2379"
[syncer]
worker-cont = 3
"odd key" = 1
[syncer.to]
time-limit = "30s"
[foo.bar]
a = 1
inner = { b = 2 }
[[baz]]
c = 3
[[syncer.ignore-table]]
db-name = "d"
tbl-name = "t"
tblname = "x"
)"}) == std::vector<std::string>{
            "component drainer's config file FILE contained unknown configuration options: pd-url, "
            "syncer.worker-cont, syncer.\"odd key\", syncer.to.time-limit, foo.bar, foo.bar.a, "
            "foo.bar.inner, foo.bar.inner.b, baz, baz.c, syncer.ignore-table.tblname",
            "line 1: unknown key pd-url, did you mean pd-urls?",
            "line 3: unknown key syncer.worker-cont, did you mean syncer.worker-count?",
            "line 4: unknown key syncer.\"odd key\"", "line 6: unknown key syncer.to.time-limit",
            "line 7: unknown key foo.bar", "line 10: unknown key baz",
            "line 15: unknown key syncer.ignore-table.tblname, did you mean "
            "syncer.ignore-table.tbl-name?"});
}

TEST_CASE("file: keys that are gone and dashed forms that never were are unknown") {
  for (const char* key : {"log-rotate", "metrics-addr", "metrics-interval", "etcd-timeout",
                          "cache-binlog-count", "config", "syncer.to.compression",
                          "syncer.to.time-limit", "syncer.to.size-limit", "syncer.dest-db-type"}) {
    INFO(key);
    CHECK(problem_of({.file = fmt::format("{} = 1\n", key)}) ==
          fmt::format("component drainer's config file FILE contained unknown configuration "
                      "options: {}",
                      key));
  }
}

TEST_CASE("file: one that cannot be read or is no TOML is the only problem") {
  CHECK(problems_of({.flags = {"-config", "/nowhere/x.toml", "-compressor", "zip"}}) ==
        std::vector<std::string>{"open /nowhere/x.toml: no such file or directory"});
  CHECK(problems_of({.flags = {"-config", "/tmp"}}) ==
        std::vector<std::string>{"read /tmp: is a directory"});
  CHECK(problem_of({.file = "a = 1\nb == 2\n"}).starts_with("toml: line 2: "));
  CHECK(problem_of({.file = "node-id = 'a'\nnode-id = 'b'\n"}).starts_with("toml: line 2: "));
  CHECK(problem_of({.file = "detect-interval = 99999999999999999999\n"})
            .starts_with("toml: line 1: "));
}

}  // namespace drainer::test
