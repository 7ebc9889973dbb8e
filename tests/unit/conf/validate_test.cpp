#include "tests/unit/conf/loading.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

namespace drainer::test {

TEST_CASE("validate: every sql_mode name is taken, in upper case and without blanks only") {
  for (const char* mode : {"REAL_AS_FLOAT",
                           "PIPES_AS_CONCAT",
                           "ANSI_QUOTES",
                           "IGNORE_SPACE",
                           "NOT_USED",
                           "ONLY_FULL_GROUP_BY",
                           "NO_UNSIGNED_SUBTRACTION",
                           "NO_DIR_IN_CREATE",
                           "POSTGRESQL",
                           "ORACLE",
                           "MSSQL",
                           "DB2",
                           "MAXDB",
                           "NO_KEY_OPTIONS",
                           "NO_TABLE_OPTIONS",
                           "NO_FIELD_OPTIONS",
                           "MYSQL323",
                           "MYSQL40",
                           "ANSI",
                           "NO_AUTO_VALUE_ON_ZERO",
                           "NO_BACKSLASH_ESCAPES",
                           "STRICT_TRANS_TABLES",
                           "STRICT_ALL_TABLES",
                           "NO_ZERO_IN_DATE",
                           "NO_ZERO_DATE",
                           "INVALID_DATES",
                           "ERROR_FOR_DIVISION_BY_ZERO",
                           "TRADITIONAL",
                           "NO_AUTO_CREATE_USER",
                           "HIGH_NOT_PRECEDENCE",
                           "NO_ENGINE_SUBSTITUTION",
                           "PAD_CHAR_TO_FULL_LENGTH",
                           "ALLOW_INVALID_DATES",
                           "ANSI,,ORACLE",
                           ",",
                           ""}) {
    INFO(mode);
    CHECK(options_of({.file = fmt::format("syncer.sql-mode = '{}'\n", mode)}).syncer.sql_mode ==
          mode);
  }
  for (const char* mode : {"ansi", " ANSI", "NO_SUCH_MODE"}) {
    CHECK(problem_of({.file = fmt::format("syncer.sql-mode = 'ORACLE,{}'\n", mode)}) ==
          fmt::format("invalid config: `sql-mode` must be a valid SQL_MODE: ERROR 1231 (42000): "
                      "Variable 'sql_mode' can't be set to the value of '{}'",
                      mode));
  }
}

TEST_CASE("validate: each bad value has the original's text") {
  struct Case {
    std::string file;
    std::string problem;
  };
  const Case cases[] = {
      {"addr = 'localhost'",
       "invalid addr: invalid host localhost: address localhost: missing port in address"},
      {"addr = '1:2:3'",
       "invalid addr: invalid host 1:2:3: address 1:2:3: too many colons in address"},
      {"addr = 'h:x'",
       "invalid addr: failed to parse addr http://h:x: parse \"http://h:x\": invalid port \":x\" "
       "after host"},
      {"addr = 'h:1'\nadvertise-addr = 'b'",
       "invalid advertise-addr: invalid host b: address b: missing port in address"},
      {"pd-urls = '127.0.0.1:2379'",
       "parse EtcdURLs error: 127.0.0.1:2379, parse \"127.0.0.1:2379\": first path segment in URL "
       "cannot contain colon"},
      {"pd-urls = ''", "parse EtcdURLs error: , URL scheme must be http, https, unix, or unixs: "},
      {"pd-urls = 'ftp://h:1'",
       "parse EtcdURLs error: ftp://h:1, URL scheme must be http, https, unix, or unixs: "
       "ftp://h:1"},
      {"pd-urls = 'http://h'",
       "parse EtcdURLs error: http://h, URL address does not have the form \"host:port\": "
       "http://h"},
      {"pd-urls = 'http://a:1, http://h:1/'",
       "parse EtcdURLs error: http://a:1, http://h:1/, URL must not contain a path: http://h:1/"},
      {"compressor = 'zip'", "Invalid compressor: zip, must be one of these: [gzip]"},
      {"syncer.replicate-do-db = ['a', '']", "empty schema name in `replicate-do-db` config"},
      {"syncer.ignore-schemas = ''", "empty schema name in `ignore-schemas` config"},
      {"syncer.ignore-schemas = 'a,,b'", "empty schema name in `ignore-schemas` config"},
      {"syncer.ignore-schemas = 'a,'", "empty schema name in `ignore-schemas` config"},
      {"syncer.replicate-do-table = [{ tbl-name = 't' }]",
       "empty schema name in `replicate-do-table` config"},
      {"syncer.replicate-do-table = [{ db-name = 'd' }]",
       "empty table name in `replicate-do-table` config"},
      {"syncer.ignore-table = [{ tbl-name = 't' }]", "empty schema name in `ignore-table` config"},
      {"syncer.ignore-table = [{ db-name = 'd' }]", "empty table name in `ignore-table` config"},
      {"detect-interval = -1", "invalid detect-interval: must be from 0 to 31536000, got -1"},
      {"EtcdTimeout = 0", "invalid EtcdTimeout: must be from 1ns to 8760h0m0s, got 0s"},
      {"EtcdTimeout = '-5s'", "invalid EtcdTimeout: must be from 1ns to 8760h0m0s, got -5s"},
      {"MetricsInterval = -1", "invalid MetricsInterval: must be from 0 to 31536000, got -1"},
      {"MetricsInterval = 9223372036854775807",
       "invalid MetricsInterval: must be from 0 to 31536000, got 9223372036854775807"},
      {"log.max-days = 999999", "invalid log.max-days: must be from 0 to 36500, got 999999"},
      {"synced-check-time = 0", "invalid synced-check-time: must be from 1 to 525600, got 0"},
      {"syncer.worker-count = 0", "invalid syncer.worker-count: must be from 1 to 10000, got 0"},
      {"syncer.txn-batch = 0", "invalid syncer.txn-batch: must be from 1 to 1000000000, got 0"},
      {"log.max-size = 0", "invalid log.max-size: must be from 1 to 16777216, got 0"},
      {"log.max-days = -1", "invalid log.max-days: must be from 0 to 36500, got -1"},
      {"log.max-backups = -1", "invalid log.max-backups: must be from 0 to 1000000000, got -1"},
      {"syncer.apply.memory-limit-mib = 0",
       "invalid syncer.apply.memory-limit-mib: must be from 1 to 16777216, got 0"},
      {"syncer.apply.until-commit-ts = -1",
       "invalid syncer.apply.until-commit-ts: must be from 0 to 9223372036854775807, got -1"},
      {"log.max-size = 17592186044416",
       "invalid log.max-size: must be from 1 to 16777216, got 17592186044416"},
      {"initial-commit-ts = -2",
       "invalid initial-commit-ts: must be from -1 to 9223372036854775807, got -2"},
      {"syncer.to.port = 65536", "invalid syncer.to.port: must be from 0 to 65535, got 65536"},
      {"syncer.to.checkpoint.port = -1",
       "invalid syncer.to.checkpoint.port: must be from 0 to 65535, got -1"},
      {"[[syncer.conflict]]\ndb-name = 'd'\ntbl-name = 't'\npolicy = 'first'",
       "toml: line 4 (last key \"syncer.conflict.policy\"): must be overwrite, stop, keep or "
       "newest, got \"first\""},
      {"[[syncer.conflict]]\ndb-name = 'd'\ntbl-name = 't'\npolicy = 'newest'",
       "syncer.conflict of d.t: the policy newest, and only that, needs newest-by"},
      {"[[syncer.conflict]]\ndb-name = 'd'\npolicy = 'keep'",
       "empty table name in `syncer.conflict` config"},
      {"syncer.channel-ids = [1]", "syncer.channel-ids needs syncer.loopback-control = true"},
      {"syncer.apply.on-row-mismatch = 'skip'",
       "toml: line 1 (last key \"syncer.apply.on-row-mismatch\"): must be warn or stop, got "
       "\"skip\""},
      {"syncer.apply.unknown-ddl-job = ''",
       "toml: line 1 (last key \"syncer.apply.unknown-ddl-job\"): must be stop, pass or skip, got "
       "\"\""},
  };
  for (const Case& c : cases) {
    INFO(c.file);
    CHECK(problems_of({.file = c.file + "\n"}) == std::vector<std::string>{c.problem});
  }
  CHECK(problem_of({.flags = {"-cache-binlog-count", "-1"}}) ==
        "invalid -cache-binlog-count: must be from 0 to 1000000000, got -1");
}

TEST_CASE(
    "validate: all problems come at once, in the order in which the original would meet them") {
  CHECK(
      problems_of({.file = R"(
compressor = "zip"
pd-urls = "a:1,http://b"
unknown = 1
[security]
ssl-ca = "/nowhere/ca.pem"
ssl-cert = "c"
ssl-key = "k"
cert-allowed-cn = ["x", " y"]
[syncer]
txn-batch = "20"
sql-mode = "x"
ignore-schemas = ""
[syncer.to]
encrypted_password = "AAAA"
)",
                   .flags = {"-addr", "nohost", "stray"},
                   .environment = {{"BINLOG_SERVER_C", "x"}}}) ==
      std::vector<std::string>{
          "toml: line 11 (last key \"syncer.txn-batch\"): incompatible types: TOML value has "
          "type string; destination has type integer",
          "component drainer's config file FILE contained unknown configuration options: unknown",
          "line 4: unknown key unknown", "'stray' is not a valid flag",
          "invalid environment value \"x\" for BINLOG_SERVER_C: parse error",
          "invalid config: `sql-mode` must be a valid SQL_MODE: ERROR 1231 (42000): Variable "
          "'sql_mode' can't be set to the value of 'x'",
          "tls config {SSLCA:/nowhere/ca.pem SSLCert:c SSLKey:k CertAllowedCN:[x  y]} error could "
          "not read ca certificate: open /nowhere/ca.pem: no such file or directory",
          "failed to decrypt password in `to.encrypted_password`: ciphertext not valid",
          "invalid addr: invalid host nohost: address nohost: missing port in address",
          "parse EtcdURLs error: a:1,http://b, URL scheme must be http, https, unix, or unixs: "
          "a:1",
          "parse EtcdURLs error: a:1,http://b, URL address does not have the form \"host:port\": "
          "http://b",
          "Invalid compressor: zip, must be one of these: [gzip]",
          "empty schema name in `ignore-schemas` config"});
}

TEST_CASE("validate: a missed row stops, where both sides may differ it is only told of") {
  const auto action = [](const std::string& file) {
    return options_of({.file = file}).syncer.apply.on_row_mismatch;
  };
  CHECK(action("syncer.loopback-control = false\n") == RowMismatchAction::kStop);
  CHECK(action("syncer.loopback-control = true\n") == RowMismatchAction::kWarn);
  CHECK(action("syncer.loopback-control = true\nsyncer.apply.on-row-mismatch = 'stop'\n") ==
        RowMismatchAction::kStop);
  CHECK(action("syncer.apply.on-row-mismatch = 'warn'\n") == RowMismatchAction::kWarn);
  const auto ignoring = [&](const std::string& event) {
    return action("[syncer.binlog-filter-rule.r]\nignore-event = ['" + event + "']\n");
  };
  CHECK(ignoring("Insert") == RowMismatchAction::kWarn);
  CHECK(ignoring("all dml") == RowMismatchAction::kWarn);
  CHECK(ignoring("drop table") == RowMismatchAction::kStop);
}

TEST_CASE("options: tell whether somebody has written initial-commit-ts, be it the default") {
  CHECK_FALSE(options_of({}).is_initial_commit_ts_given);
  CHECK(options_of({}).initial_commit_ts == -1);
  CHECK(options_of({.flags = {"-initial-commit-ts", "-1"}}).is_initial_commit_ts_given);
  CHECK(options_of({.file = "initial-commit-ts = -1\n"}).is_initial_commit_ts_given);
}

TEST_CASE("validate: the place to start is given once, and its file is not read yet") {
  CHECK(problem_of({.flags = {"-initial-commit-ts", "5", "-initial-commit-ts-from", "metadata"}}) ==
        "give one of initial-commit-ts and syncer.apply.initial-commit-ts-from");
  CHECK(options_of({.file = "syncer.apply.initial-commit-ts-from = '/nowhere'\n"})
            .syncer.apply.initial_commit_ts_from == "/nowhere");
}

TEST_CASE("validate: addresses are completed and kept without a scheme") {
  const Options options = options_of({.file = "addr = ':8249'\nadvertise-addr = 'h:1'\n"});
  CHECK(options.addr == ":8249");
  CHECK(options.advertise_addr == "h:1");
  CHECK(options_of({.file = "addr = 'a:1'\n"}).advertise_addr == "a:1");
  CHECK(options_of({.file = "addr = ''\n"}).addr.ends_with(":8249"));
  // KEEP: a scheme in the address passes here and fails when the port is opened.
  CHECK(options_of({.file = "addr = 'http://h:1'\n"}).addr == "http://h:1");
  CHECK(options_of({.file = "data-dir = ''\ndetect-interval = 0\n"}).data_dir == "data.drainer");
  CHECK(options_of({.file = "data-dir = ''\ndetect-interval = 0\n"}).detect_interval_s == 5);
}

TEST_CASE("validate: the PD servers are split, trimmed and sorted") {
  CHECK(options_of({.file = "pd-urls = 'http://u:secret@b:2'\n"}).pd_url_list ==
        std::vector<std::string>{"http://b:2"});
  CHECK(problem_of({.file = "pd-urls = 'u:secret@b:2'\n"}).find("secret") == std::string::npos);
  CHECK(options_of({.file = "pd-urls = ' http://b:2 ,HTTPS://a:1,http://a:1'\n"}).pd_url_list ==
        std::vector<std::string>{"http://a:1", "http://b:2", "https://a:1"});
}

TEST_CASE("validate: file and kafka write with one worker and fill their own keys") {
  const Options file = options_of({.file = "data-dir = 'd'\n[syncer]\ndb-type = 'pb'\n"
                                           "worker-count = 0\ntxn-batch = 0\n"});
  CHECK(file.syncer.db_type == "file");
  CHECK(file.syncer.worker_count == 1);
  CHECK(file.syncer.to.dir == "d");
  CHECK(options_of({.file = "syncer.db-type = 'file'\nsyncer.to.dir = 'x'\n"}).syncer.to.dir ==
        "x");

  const Options kafka = options_of({.file = "[syncer]\ndb-type = 'kafka'\n[syncer.to]\n"
                                            "kafka-max-messages = 0\nkafka-max-message-size = -1\n"
                                            "kafka-client-id = ''\n"});
  CHECK(kafka.syncer.worker_count == 1);
  CHECK(kafka.syncer.to.kafka_addrs == "127.0.0.1:9092");
  CHECK(kafka.syncer.to.kafka_version == "0.8.2.0");
  CHECK(kafka.syncer.to.kafka_max_messages == 1024);
  CHECK(kafka.syncer.to.kafka_max_message_size == 1 << 30);
  CHECK(kafka.syncer.to.kafka_client_id == "tidb_binlog");
  CHECK(kafka.syncer.to.host.empty());
  CHECK(kafka.syncer.to.port == 0);
  const Options zookeeper =
      options_of({.file = "syncer.db-type = 'kafka'\nsyncer.to.zookeeper-addrs = 'z:1/c'\n"});
  CHECK(zookeeper.syncer.to.zookeeper_addrs == "z:1/c");
  CHECK(zookeeper.syncer.to.kafka_addrs.empty());
}

TEST_CASE("validate: a relay file size that makes no sense becomes the default") {
  CHECK(options_of({.flags = {"-relay-max-file-size", "0"}}).syncer.relay.max_file_size ==
        10485760);
  CHECK(options_of({.flags = {"-relay-max-file-size", "1"}}).syncer.relay.max_file_size == 1);
}

}  // namespace drainer::test
