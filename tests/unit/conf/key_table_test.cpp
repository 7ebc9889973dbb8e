#include "conf/key_table.h"

#include "conf/choices.h"
#include "conf/nearest_key.h"
#include "conf/options_json.h"
#include "tests/unit/conf/loading.h"

#include <set>

#include <fmt/format.h>
#include <catch2/catch.hpp>

// Walks every key and flag of the table: by default, by file, by flag; wrong values and the text of
// each refusal. What a value has become is read in the dump for the log.
namespace drainer::conf {

namespace {

template <class T>
using DraftField = T& (*)(Draft&);

// How to give a key another value than its default, and how the dump shows it.
struct Sample {
  std::string toml;
  std::string flag;
  std::string json;
  std::string go_type;  ///< in the message about a value of a wrong type
};

struct SampleOf {
  Sample operator()(DraftField<std::string>) const { return {"'v1'", "v1", "\"v1\"", "string"}; }
  Sample operator()(DraftField<int64_t>) const { return {"3", "3", "3", "integer"}; }
  Sample operator()(DraftField<int32_t>) const { return {"3", "", "3", "integer"}; }
  Sample operator()(DraftField<bool>) const { return {"true", "true", "true", "boolean"}; }
  Sample operator()(DraftField<std::optional<bool>>) const { return {"true", "", "", "boolean"}; }
  Sample operator()(DraftField<std::optional<std::string>>) const {
    return {"'ANSI'", "", "\"ANSI\"", "string"};
  }
  Sample operator()(DraftField<std::vector<std::string>>) const {
    return {"['a', 'b']", "", R"(["a","b"])", "slice"};
  }
  Sample operator()(DraftField<std::vector<int64_t>>) const {
    return {"[1, 2]", "", "[1,2]", "slice"};
  }
  Sample operator()(DraftField<std::map<std::string, std::string>>) const {
    return {"{ a = 'b' }", "", R"({"a":"b"})", "map"};
  }
  Sample operator()(DraftField<std::chrono::nanoseconds>) const {
    return {"'1m5s'", "", "\"1m5s\"", "integer"};
  }
  // Each has its own texts, below.
  template <IsChoice Enum>
  Sample operator()(DraftField<Enum>) const {
    return {};
  }
  Sample operator()(DraftField<std::optional<RowMismatchAction>>) const { return {}; }
  Sample operator()(DraftField<DayDuration>) const { return {"7", "", "\"168h0m0s\"", ""}; }
  Sample operator()(DraftField<std::vector<TablePattern>>) const {
    return {"[{ db-name = 'd', tbl-name = 't' }]", "", R"([{"db-name":"d","tbl-name":"t"}])",
            "slice"};
  }
  Sample operator()(DraftField<std::vector<TableMigrateRule>>) const {
    return {
        "[{ binlog-filter-rule = ['f'], source = { schema = 's', table = 't' }, target = { "
        "schema = 'u', table = 'v' } }]",
        "",
        R"([{"binlog-filter-rule":["f"],"source":{"schema":"s","table":"t"},)"
        R"("target":{"schema":"u","table":"v"}}])",
        "slice"};
  }
  Sample operator()(DraftField<std::vector<ConflictRule>>) const {
    return {"[{ db-name = 'd', tbl-name = 't', policy = 'newest', newest-by = 'c' }]", "",
            R"([{"db-name":"d","tbl-name":"t","policy":"newest","newest-by":"c"}])", "slice"};
  }
  Sample operator()(DraftField<std::map<std::string, BinlogFilterRule>>) const {
    return {"{ f = { ignore-event = ['delete'], ignore-sql = ['a'] } }", "",
            R"({"f":{"ignore-event":["delete"],"ignore-sql":["a"]}})", "map"};
  }
};

Sample sample_of(const Key<Draft>& key) {
  Sample sample = std::visit(SampleOf{}, key.field);
  // Keys that take only some texts, or whose text is adjusted or hidden.
  const std::map<std::string_view, Sample> special = {
      {"addr", {"'h:1'", "h:1", "\"http://h:1\"", "string"}},
      {"advertise-addr", {"'h:1'", "h:1", "\"http://h:1\"", "string"}},
      {"pd-urls", {"'http://h:1'", "http://h:1", "\"http://h:1\"", "string"}},
      {"compressor", {"'gzip'", "gzip", "\"gzip\"", "string"}},
      {"syncer.apply.on-row-mismatch", {"'warn'", "", "\"warn\"", "string"}},
      {"syncer.apply.unknown-ddl-job", {"'skip'", "", "\"skip\"", "string"}},
      {"syncer.to.file.sync", {"'never'", "", "\"never\"", "string"}},
      {"syncer.to.kafka.protocol", {"'debezium'", "", "\"debezium\"", "string"}},
      {"syncer.to.kafka.partition-by",
       {"'table'\nsyncer.to.kafka.protocol = 'debezium'", "", "\"table\"", "string"}},
      {"syncer.to.kafka.key-by",
       {"'table'\nsyncer.to.kafka.protocol = 'debezium'", "", "\"table\"", "string"}},
      {"syncer.to.kafka.topic-template",
       {"'{schema}'\nsyncer.to.kafka.protocol = 'debezium'", "", "\"{schema}\"", "string"}},
      {"syncer.to.kafka.transaction-markers",
       {"true\nsyncer.to.kafka.protocol = 'debezium'", "", "true", "boolean"}},
      {"syncer.channel-ids", {"[1, 2]\nsyncer.loopback-control = true", "", "[1,2]", "slice"}},
      {"syncer.sync-ddl", {"false", "false", "false", "boolean"}},
      {"syncer.to.original-errors", {"false", "false", "false", "boolean"}},
      {"syncer.to.password", {"'hush'", "", "\"******\"", "string"}},
      {"syncer.to.checkpoint.password", {"'hush'", "", "\"******\"", "string"}},
      {"syncer.to.encrypted_password",
       {"'AAECAwQFBgcICQoLDA0OD0AQo3le16c='", "", "\"******\"", "string"}},
      {"syncer.to.checkpoint.encrypted_password",
       {"'AAECAwQFBgcICQoLDA0OD0AQo3le16c='", "", "\"******\"", "string"}},
      {"syncer.to.secret.password-command", {"':'", "", "\"******\"", "string"}},
      {"syncer.to.checkpoint.secret.password-command", {"':'", "", "\"******\"", "string"}},
      {"syncer.to.secret.password-file", {"'/dev/null'", "", "\"/dev/null\"", "string"}},
      {"syncer.to.checkpoint.secret.password-file", {"'/dev/null'", "", "\"/dev/null\"", "string"}},
  };
  const auto found = special.find(key.toml);
  return found == special.end() ? sample : found->second;
}

bool is_switch(const Key<Draft>& key) {
  return std::holds_alternative<DraftField<std::optional<bool>>>(key.field);
}

// Files that a key names must exist when they are read.
bool names_ca_file(const Key<Draft>& key) {
  return key.toml.ends_with("ssl-ca");
}

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('.') + 1);
}

std::string member(const Key<Draft>& key, const std::string& value) {
  return fmt::format("\"{}\":{}", last_part(key.toml), value);
}

// How often the dump has the member; a name such as "host" stands in several objects.
size_t count(const std::string& text, const std::string& part) {
  size_t out = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    const char next = text[at + part.size()];
    if (next == ',' || next == '}') ++out;
  }
  return out;
}

}  // namespace

TEST_CASE("key table: every key given by file reaches the options") {
  const std::string by_default = options_json(test::options_of({}));
  for (const Key<Draft>& key : keys()) {
    if (key.toml.empty() || is_switch(key) || names_ca_file(key)) continue;
    const Sample sample = sample_of(key);
    INFO(key.toml << " = " << sample.toml);
    const std::string dump =
        options_json(test::options_of({.file = fmt::format("{} = {}\n", key.toml, sample.toml)}));
    const std::string shown = key.toml == "syncer.load-table-infos"
                                  ? std::string("\"load-schema-snapshot\":true")
                                  : member(key, sample.json);
    CHECK(count(dump, shown) == count(by_default, shown) + 1);
  }
}

TEST_CASE("key table: every flag reaches the options and beats the file") {
  const std::string by_default = options_json(test::options_of({}));
  for (const Key<Draft>& key : keys()) {
    if (key.flag.empty() || key.toml.empty() || is_switch(key)) continue;
    const Sample sample = sample_of(key);
    INFO("-" << key.flag << "=" << sample.flag);
    const std::string flag = fmt::format("-{}={}", key.flag, sample.flag);
    const std::string other = std::holds_alternative<DraftField<int64_t>>(key.field) ? "4"
                              : std::holds_alternative<DraftField<bool>>(key.field)
                                  ? (sample.toml == "true" ? "false" : "true")
                                  : "'bad bad'";
    for (const std::string& file : {std::string(), fmt::format("{} = {}\n", key.toml, other)}) {
      const std::string dump = options_json(test::options_of({.file = file, .flags = {flag}}));
      CHECK(count(dump, member(key, sample.json)) ==
            count(by_default, member(key, sample.json)) + 1);
    }
  }
}

TEST_CASE("key table: flags without a key in the file reach the options") {
  CHECK(test::options_of({}).cache_binlog_count == 8);
  CHECK(test::options_of({.flags = {"-cache-binlog-count", "0"}}).cache_binlog_count == 0);
  CHECK(test::options_of({.flags = {"-log-rotate", "day"}}).log_file.empty());
}

TEST_CASE("key table: defaults are those of the Go drainer") {
  const Options options = test::options_of({});
  CHECK(options.log_level == "info");
  CHECK(options.log_file.empty());
  CHECK(options.node_id.empty());
  CHECK(options.addr.ends_with(":8249"));
  CHECK(options.advertise_addr == options.addr);
  CHECK(options.data_dir == "data.drainer");
  CHECK(options.detect_interval_s == 5);
  CHECK(options.pd_urls == "http://127.0.0.1:2379");
  CHECK(options.pd_url_list == std::vector<std::string>{"http://127.0.0.1:2379"});
  CHECK(options.initial_commit_ts == -1);
  CHECK(options.synced_check_time_min == 5);
  CHECK(options.compressor.empty());
  CHECK(options.cache_binlog_count == 8);
  CHECK(options.metrics_addr.empty());
  CHECK(options.metrics_interval_s == 15);
  CHECK(options.etcd_timeout == std::chrono::seconds(5));
  CHECK(options.security.ssl_ca.empty());
  const SyncerOptions& syncer = options.syncer;
  CHECK_FALSE(syncer.sql_mode.has_value());
  CHECK(syncer.ignore_schemas ==
        std::vector<std::string>{"INFORMATION_SCHEMA", "PERFORMANCE_SCHEMA", "mysql"});
  CHECK(syncer.txn_batch == 20);
  CHECK(syncer.worker_count == 16);
  CHECK_FALSE(syncer.loopback_control);
  CHECK(syncer.channel_id == 0);
  CHECK(syncer.sync_ddl);
  CHECK(syncer.db_type == "mysql");
  CHECK_FALSE(syncer.safe_mode);
  CHECK(syncer.enable_dispatch);
  CHECK(syncer.enable_detect);
  CHECK_FALSE(syncer.load_schema_snapshot);
  CHECK_FALSE(syncer.case_sensitive);
  CHECK(syncer.relay.log_dir.empty());
  CHECK(syncer.relay.max_file_size == 10485760);
  CHECK(syncer.apply.on_row_mismatch == RowMismatchAction::kStop);
  CHECK(syncer.apply.memory_limit_mib == 64);
  CHECK(syncer.apply.unknown_ddl_job == UnknownDdlAction::kStop);
  CHECK(syncer.to.host == "localhost");
  CHECK(syncer.to.port == 3306);
  CHECK(syncer.to.user == "root");
  CHECK(syncer.to.password.empty());
  CHECK(syncer.to.sync_mode == 0);
  CHECK(syncer.to.read_timeout == std::chrono::minutes(1));
  CHECK_FALSE(syncer.to.merge);
  CHECK(syncer.to.retention_time == 0);
  CHECK(syncer.to.kafka_max_messages == 1024);
  CHECK(syncer.to.kafka_client_id == "tidb_binlog");
  CHECK(syncer.to.checkpoint.type.empty());
  CHECK(syncer.to.checkpoint.port == 0);
}

TEST_CASE("key table: a value of a wrong type is refused with line, key and types") {
  for (const Key<Draft>& key : keys()) {
    if (key.toml.empty()) continue;
    const std::string wanted = sample_of(key).go_type;
    if (wanted.empty()) continue;
    const std::pair<std::string, std::string> wrong[] = {{"'x'", "string"},
                                                         {"1", "int64"},
                                                         {"1.5", "float64"},
                                                         {"true", "bool"},
                                                         {"['x']", "[]interface {}"},
                                                         {"2020-01-01", "time.Time"},
                                                         {"{ a = 1 }", "map[string]interface {}"}};
    for (const auto& [value, type] : wrong) {
      if ((wanted == "string" && type == "string") || (wanted == "integer" && type == "int64") ||
          (wanted == "boolean" && type == "bool") ||
          (wanted == "slice" && type.starts_with("[]")) ||
          (wanted == "map" && type.starts_with("map")) ||
          (key.toml == "EtcdTimeout" && type == "string")) {
        continue;
      }
      const std::string text = fmt::format("\n{} = {}\n", key.toml, value);
      INFO(text);
      CHECK(test::problem_of({.file = text}) ==
            fmt::format("toml: line 2 (last key \"{}\"): incompatible types: TOML value has type "
                        "{}; destination has type {}",
                        key.toml, type, wanted));
    }
  }
}

TEST_CASE("key table: a number is taken up to both ends of its range, and not beyond") {
  // What the original takes whatever it is: any mark, more than a limit that is no limit, or a
  // value that stands for the default.
  std::set<std::string_view> unlimited = {"syncer.channel-id", "syncer.relay.max-file-size",
                                          "syncer.to.sync-mode", "syncer.to.retention-time",
                                          "syncer.to.kafka-max-messages"};
  const auto problem = [](const Key<Draft>& key, int64_t value) -> std::string {
    const test::Given given = key.toml.empty()
                                  ? test::Given{.flags = {fmt::format("-{}={}", key.flag, value)}}
                                  : test::Given{.file = fmt::format("{} = {}\n", key.toml, value)};
    const auto loaded = test::load(given);
    return loaded.ok() ? "" : loaded.error().to_string();
  };
  for (const Key<Draft>& key : keys()) {
    if (!std::holds_alternative<DraftField<int64_t>>(key.field)) continue;
    const Range& range = key.traits.range;
    INFO(key.toml << " -" << key.flag << " from " << range.least << " to " << range.largest);
    CHECK(problem(key, range.least).empty());
    CHECK(problem(key, range.largest).empty());
    if (range.least == INT64_MIN) {
      CHECK(range.largest == INT64_MAX);
      CHECK(unlimited.erase(key.toml) == 1);
      continue;
    }
    const std::string name =
        key.toml.empty() ? fmt::format("-{}", key.flag) : std::string(key.toml);
    const std::string text =
        fmt::format("invalid {}: must be from {} to {}, got ", name, range.least, range.largest);
    CHECK(problem(key, range.least - 1) == text + fmt::format("{}", range.least - 1));
    if (range.largest == INT64_MAX) continue;
    CHECK(problem(key, range.largest + 1) == text + fmt::format("{}", range.largest + 1));
  }
  CHECK(unlimited.empty());
}

TEST_CASE("key table: names are unique and every row has a sentence") {
  std::set<std::string_view> paths;
  std::set<std::string_view> flags;
  for (const Key<Draft>& key : keys()) {
    INFO(key.toml << " -" << key.flag);
    CHECK((!key.toml.empty() || !key.flag.empty()));
    if (!key.toml.empty()) CHECK(paths.insert(key.toml).second);
    if (!key.flag.empty()) CHECK(flags.insert(key.flag).second);
    CHECK(key.help.ends_with('.'));
  }
  CHECK(flags.size() == 34);
}

TEST_CASE("key table: a mistyped key finds the one that was meant") {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"syncer.worker-cont", "syncer.worker-count"},
      {"worker-count", "syncer.worker-count"},
      {"metrics-addr", "MetricsAddr"},
      {"syncer.to.encrypted-password", "syncer.to.encrypted_password"},
      {"syncer.to.kafka-adrs", "syncer.to.kafka-addrs"},
      {"pd-url", "pd-urls"},
      {"syncer.ignore-table.tblname", "syncer.ignore-table.tbl-name"},
      {"something-else-altogether", ""},
  };
  for (const auto& [path, meant] : cases) {
    INFO(path);
    CHECK(nearest_key(path) == meant);
  }
}

}  // namespace drainer::conf
