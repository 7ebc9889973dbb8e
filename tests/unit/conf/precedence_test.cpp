#include "tests/unit/conf/loading.h"

#include <optional>

#include <fmt/format.h>
#include <catch2/catch.hpp>

namespace drainer::test {

TEST_CASE("precedence: command line beats environment beats file beats default") {
  const std::string file = "[syncer]\ntxn-batch = 2\n";
  const std::map<std::string, std::string> environment = {{"BINLOG_SERVER_TXN_BATCH", "3"}};
  const auto batch = [](const Given& given) { return options_of(given).syncer.txn_batch; };
  CHECK(batch({}) == 20);
  CHECK(batch({.file = file}) == 2);
  CHECK(batch({.file = file, .environment = environment}) == 3);
  CHECK(batch({.file = file, .flags = {"-txn-batch", "4"}, .environment = environment}) == 4);
  CHECK(batch({.file = file, .flags = {"-txn-batch", "4"}}) == 4);
  CHECK(batch({.environment = {{"BINLOG_SERVER_TXN_BATCH", ""}}}) == 20);
}

TEST_CASE("precedence: names of variables come from the flags") {
  CHECK(options_of({.environment = {{"BINLOG_SERVER_PD_URLS", "http://h:1"}}}).pd_urls ==
        "http://h:1");
  CHECK(options_of({.environment = {{"BINLOG_SERVER_C", "7"}}}).syncer.worker_count == 7);
  CHECK(options_of({.environment = {{"BINLOG_SERVER_L", "debug"}}}).log_level == "debug");
  CHECK(options_of({.environment = {{"BINLOG_SERVER_SAFE_MODE", "1"}}}).syncer.safe_mode);
}

TEST_CASE("precedence: some variables come too late to have an effect") {
  CHECK(options_of({.environment = {{"BINLOG_SERVER_CONFIG", "/nowhere"},
                                    {"BINLOG_SERVER_V", "true"},
                                    {"BINLOG_SERVER_ENABLE_DISPATCH", "false"},
                                    {"BINLOG_SERVER_DISABLE_DETECT", "true"}}})
            .syncer.enable_dispatch);
  CHECK(options_of({.environment = {{"BINLOG_SERVER_DISABLE_DETECT", "true"},
                                    {"BINLOG_SERVER_ENABLE_DETECT", "false"}}})
            .syncer.enable_detect);
}

TEST_CASE("precedence: every bad variable is a problem") {
  CHECK(problems_of({.environment = {{"BINLOG_SERVER_TXN_BATCH", "many"},
                                     {"BINLOG_SERVER_C", "99999999999999999999"},
                                     {"BINLOG_SERVER_SAFE_MODE", "maybe"},
                                     {"BINLOG_SERVER_ENABLE_DETECT", "x"}}}) ==
        std::vector<std::string>{
            "invalid environment value \"99999999999999999999\" for BINLOG_SERVER_C: value out of "
            "range",
            "invalid environment value \"x\" for BINLOG_SERVER_ENABLE_DETECT: parse error",
            "invalid environment value \"maybe\" for BINLOG_SERVER_SAFE_MODE: parse error",
            "invalid environment value \"many\" for BINLOG_SERVER_TXN_BATCH: parse error"});
  // A flag hides the variable, good or bad.
  CHECK(options_of({.flags = {"-c", "1"}, .environment = {{"BINLOG_SERVER_C", "x"}}})
            .syncer.worker_count == 1);
}

TEST_CASE("precedence: the database's variables fill what the file leaves open") {
  const std::map<std::string, std::string> variables = {{"MYSQL_HOST", "h"},
                                                        {"MYSQL_PORT", "3307"},
                                                        {"MYSQL_USER", "u"},
                                                        {"MYSQL_PSWD", "p"},
                                                        {"KAFKA_ADDRS", "k:1"}};
  const DownstreamOptions filled = options_of({.environment = variables}).syncer.to;
  CHECK(filled.host == "h");
  CHECK(filled.port == 3307);
  CHECK(filled.user == "u");
  CHECK(filled.password == "p");
  CHECK(filled.kafka_addrs.empty());
  const DownstreamOptions given =
      options_of({.file = "syncer.to = { host = 'a', port = 1, user = 'b', password = 'c' }\n",
                  .environment = variables})
          .syncer.to;
  CHECK(given.host == "a");
  CHECK(given.port == 1);
  CHECK(given.user == "b");
  CHECK(given.password == "c");
  for (const char* port : {"x", "0", "3307x", ""}) {
    CHECK(options_of({.environment = {{"MYSQL_PORT", port}}}).syncer.to.port == 3306);
  }
  CHECK(options_of({.flags = {"-dest-db-type", "kafka"}, .environment = variables})
            .syncer.to.kafka_addrs == "k:1");
}

// The 81 combinations of absent, false and true for the two flags and the two keys of the file.
TEST_CASE("precedence: dispatch and detect take the first switch that is set") {
  using Switch = std::optional<bool>;
  const Switch values[] = {std::nullopt, false, true};
  int combinations = 0;
  for (const char* name : {"dispatch", "detect"}) {
    for (const Switch disable_flag : values) {
      for (const Switch disable_file : values) {
        for (const Switch enable_flag : values) {
          for (const Switch enable_file : values) {
            Given given;
            given.file = "[syncer]\n";
            const auto add_flag = [&](const char* verb, Switch value) {
              if (value) given.flags.push_back(fmt::format("-{}-{}={}", verb, name, *value));
            };
            const auto add_key = [&](const char* verb, Switch value) {
              if (value) given.file += fmt::format("{}-{} = {}\n", verb, name, *value);
            };
            add_flag("disable", disable_flag);
            add_flag("enable", enable_flag);
            add_key("disable", disable_file);
            add_key("enable", enable_file);
            const bool expected = disable_flag   ? !*disable_flag
                                  : disable_file ? !*disable_file
                                  : enable_flag  ? *enable_flag
                                  : enable_file  ? *enable_file
                                                 : true;
            const SyncerOptions syncer = options_of(given).syncer;
            const bool dispatch = std::string_view(name) == "dispatch";
            CHECK((dispatch ? syncer.enable_dispatch : syncer.enable_detect) == expected);
            CHECK(syncer.worker_count == (dispatch && !expected ? 1 : 16));
            ++combinations;
          }
        }
      }
    }
  }
  CHECK(combinations == 2 * 81);
}

}  // namespace drainer::test
