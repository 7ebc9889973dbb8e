// The pages of a running drainer beside those recorded from the Go drainer.

#include <csignal>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "tests/integration/http_call.h"
#include "tests/integration/pipeline.h"
#include "tests/unit/server/recorded.h"

#include <catch2/catch.hpp>

using namespace drainer;
using integration::Capture;
using integration::Pipeline;

namespace {

// A page of Prometheus' text form: types by family, values by series. Names of pumps become "P".
struct Page {
  std::map<std::string, std::string> types;
  std::map<std::string, double> series;
};

Page parse_page(const std::string& text) {
  Page out;
  std::istringstream lines(text);
  const std::regex pump("nodeID=\"[^\"]*\"");
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    const size_t blank = line.rfind(' ');
    REQUIRE(blank != std::string::npos);
    if (line.starts_with("# TYPE ")) {
      out.types[line.substr(7, blank - 7)] = line.substr(blank + 1);
    } else if (!line.starts_with("#")) {
      const std::string name = std::regex_replace(line.substr(0, blank), pump, "nodeID=\"P\"");
      out.series[name] += std::stod(line.substr(blank + 1));
    }
  }
  return out;
}

// What a program that is not written in Go does not have.
bool is_only_in_go(const std::string& name) {
  return name.starts_with("go_") && name != "go_goroutines" &&
         name != "go_memstats_heap_inuse_bytes";
}

}  // namespace

TEST_CASE("pages: a running drainer shows every recorded series, with plausible values") {
  const auto recorded = test::recorded("metrics.txt");
  if (!recorded) return;
  Pipeline pipeline(Capture::bundled());
  pipeline.start_upstream();
  pipeline.write_config();
  pipeline.start_drainer({"-initial-commit-ts", pipeline.capture().from_ts, "-detect-interval=1"});
  REQUIRE(pipeline.wait_for_end_of_capture());
  Page ours;
  const auto value = [&](const std::string& name) { return ours.series.at(name); };
  // The positions of pumps come with the next look at their list.
  REQUIRE(pipeline.wait_until([&] {
    ours = parse_page(pipeline.ask_drainer("GET", "/metrics"));
    return ours.series.contains("binlog_drainer_pump_position{nodeID=\"P\"}") &&
           value("binlog_drainer_pump_position{nodeID=\"P\"}") > 1.7e12;
  }));

  const Page theirs = parse_page(*recorded);
  for (const auto& [family, type] : theirs.types) {
    if (is_only_in_go(family)) continue;
    INFO(family);
    REQUIRE(ours.types.contains(family));
    CHECK(ours.types.at(family) == type);
  }
  for (const auto& [name, unused] : theirs.series) {
    const std::string family = name.substr(0, name.find('{'));
    if (is_only_in_go(family)) continue;
    INFO(name);
    CHECK(ours.series.contains(name));
  }
  const double rows = value("binlog_drainer_event{type=\"Insert\"}") +
                      value("binlog_drainer_event{type=\"Update\"}") +
                      value("binlog_drainer_event{type=\"Delete\"}");
  CHECK(rows == value("drainer_applied_rows_total"));
  CHECK(rows > 0);
  CHECK(value("binlog_drainer_event{type=\"DDL\"}") > 0);
  CHECK(value("binlog_drainer_ddl_jobs_total") >= value("binlog_drainer_event{type=\"DDL\"}"));
  CHECK(value("binlog_drainer_event{type=\"savepoint\"}") >= 2);
  CHECK(value("binlog_drainer_query_duration_time_count{type=\"exec\"}") > 0);
  CHECK(value("binlog_drainer_query_duration_time_sum{type=\"exec\"}") > 0);
  CHECK(value("binlog_drainer_query_duration_time_count{type=\"commit\"}") > 0);
  CHECK(value("binlog_drainer_execute_duration_time_count") > 0);
  CHECK(value("binlog_drainer_read_binlog_size_sum{nodeID=\"P\"}") >
        value("binlog_drainer_read_binlog_size_count{nodeID=\"P\"}"));
  CHECK(value("binlog_drainer_binlog_reach_duration_time_count{nodeID=\"P\"}") ==
        value("binlog_drainer_read_binlog_size_count{nodeID=\"P\"}"));
  CHECK(value("binlog_drainer_checkpoint_tso") >=
        static_cast<double>(pipeline.capture().last_ts().ddl >> 18));
  CHECK(value("binlog_drainer_checkpoint_delay_seconds_count") > 0);
  CHECK(value("binlog_drainer_queue_size{name=\"syncer_input\"}") >= 0);
  pipeline.drainer().send_signal(SIGTERM);
  CHECK(pipeline.wait_for_drainer() == 0);
}

TEST_CASE("pages: status, commit_ts and unknown paths have the form that was recorded") {
  Pipeline pipeline(Capture::bundled());
  pipeline.start_upstream();
  pipeline.write_config();
  pipeline.start_drainer({"-initial-commit-ts", pipeline.capture().from_ts});
  REQUIRE(pipeline.wait_for_end_of_capture());
  // Numbers and the names of pumps differ, nothing else.
  const auto shape = [](const std::string& answer) {
    std::string out = std::regex_replace(answer, std::regex("Date: [^\r]*"), "Date: D");
    out = std::regex_replace(out, std::regex("Content-Length: \\d+"), "Content-Length: N");
    out = std::regex_replace(out, std::regex("\"pump-[^\"]*\""), "\"P\"");
    return std::regex_replace(out, std::regex("\\d{18}"), "TS");
  };
  for (const auto& [path, file] :
       std::map<std::string, std::string>{{"/status", "status.txt"},
                                          {"/commit_ts", "commit_ts.txt"},
                                          {"/x", "unknown_path.txt"}}) {
    INFO(path);
    const auto recorded = test::recorded(file);
    if (!recorded) continue;
    std::string answer =
        integration::http_call(pipeline.drainer_port(), "GET", path, /*tls=*/nullptr);
    // We were asked to close.
    answer = std::regex_replace(answer, std::regex("Connection: close\r\n"), "");
    CHECK(shape(answer) == shape(*recorded));
  }
  pipeline.drainer().send_signal(SIGTERM);
  CHECK(pipeline.wait_for_drainer() == 0);
}
