#include "drainer/base/drainer_metrics.h"
#include "drainer/rpc/gzip.h"

#include "tests/unit/server/http_client.h"
#include "tests/unit/server/recorded.h"
#include "tests/unit/server/running_server.h"

#include <map>
#include <set>
#include <sstream>

#include <catch2/catch.hpp>

namespace drainer::test {

namespace {

// One family of a page in Prometheus' text form.
struct Family {
  std::string help;
  std::string type;
  std::set<std::string> labels;  ///< names of labels
  std::set<std::string> bounds;  ///< of a histogram

  friend bool operator==(const Family&, const Family&) = default;
};

// Reads a page and complains about every line that is not in the format.
std::map<std::string, Family> parse_page(const std::string& page) {
  std::map<std::string, Family> out;
  std::istringstream lines(page);
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    if (line.starts_with("# ")) {
      const std::string rest = line.substr(7);
      const size_t blank = rest.find(' ');
      REQUIRE(blank != std::string::npos);
      family = rest.substr(0, blank);
      std::string& part = line.starts_with("# HELP ") ? out[family].help : out[family].type;
      CHECK(part.empty());
      part = rest.substr(blank + 1);
      continue;
    }
    const size_t name_end = line.find_first_of("{ ");
    REQUIRE(name_end != std::string::npos);
    CHECK(line.starts_with(family));
    size_t value = name_end;
    if (line[name_end] == '{') {
      const size_t close = line.find("} ", name_end);
      REQUIRE(close != std::string::npos);
      std::string labels = line.substr(name_end + 1, close - name_end - 1);
      while (!labels.empty()) {
        const size_t equals = labels.find("=\"");
        const size_t end = labels.find('"', equals + 2);
        REQUIRE(end != std::string::npos);
        const std::string name = labels.substr(0, equals);
        if (name == "le") {
          out[family].bounds.insert(labels.substr(equals + 2, end - equals - 2));
        } else if (name != "quantile" && name != "version") {
          out[family].labels.insert(name);
        }
        labels.erase(0, end + (labels.size() > end + 1 ? 2 : 1));
      }
      value = close + 1;
    }
    size_t used = 0;
    (void)std::stod(line.substr(value + 1), &used);
    CHECK(used == line.size() - value - 1);
  }
  return out;
}

// As after some minutes of work with two pumps.
void use_all_series() {
  metric::create_at_start();
  for (const char* pump : {"pump-B-1", "pump-B-2"}) {
    metric::pump_position(pump).set(1);
    metric::binlog_reach_duration_time(pump).observe(0.1);
    metric::read_binlog_size(pump).observe(100);
  }
  for (const char* type : {"Insert", "Update", "Delete", "DDL", "savepoint"}) {
    metric::event(type).add();
  }
  for (const char* type : {"exec", "commit"}) metric::query_duration_time(type).observe(0.1);
  metric::queue_size("syncer_input").set(1);
  metric::queue_size("worker_0").set(1);
}

}  // namespace

TEST_CASE("metrics page: each recorded family has the same help, type, labels and buckets") {
  use_all_series();
  const RunningServer server;
  HttpClient client(server.port());
  const HttpReply reply = client.get("/metrics");
  CHECK(reply.field("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  const auto page = parse_page(reply.body);
  const auto expected_page = recorded("metrics.txt");
  if (!expected_page) return;
  int compared = 0;
  for (const auto& [name, family] : parse_page(*expected_page)) {
    const bool ours_too = name == "go_goroutines" || name == "go_memstats_heap_inuse_bytes";
    if (name.starts_with("go_") && !ours_too) continue;
    INFO(name);
    REQUIRE(page.contains(name));
    CHECK(page.at(name).help == family.help);
    CHECK(page.at(name).type == family.type);
    CHECK(page.at(name).labels == family.labels);
    CHECK(page.at(name).bounds == family.bounds);
    ++compared;
  }
  CHECK(compared == 20);
}

TEST_CASE("metrics page: what is counted is there before anything happens") {
  metric::create_at_start();
  const auto page = parse_page(metrics().to_text());
  for (const char* name : {"applied_ts_ms", "applied_rows_total", "double_writes_total",
                           "pump_gaps_total", "mysql_commit_latency_seconds", "mysql_retries_total",
                           "mysql_cut_transactions_total", "mysql_skipped_transactions_total",
                           "mysql_slow_total", "mysql_ddl_ignored_missing_total"}) {
    INFO(name);
    CHECK(page.contains(std::string("drainer_") + name));
  }
}

TEST_CASE("metrics page: families that were not recorded have the specified form") {
  metric::error_count("unmarshal_binlog").add();
  metric::binlogfile_write_binlog_size().observe(1);
  metric::binlogfile_write_binlog_duration_time().observe(1);
  const auto page = parse_page(metrics().to_text());
  CHECK(page.at("binlog_drainer_error_count") ==
        Family{"Total count of error type", "counter", {"type"}, {}});
  const Family& size = page.at("binlog_binlogfile_write_binlog_size");
  CHECK(size.type == "histogram");
  CHECK(size.labels == std::set<std::string>{"label"});
  CHECK(size.bounds.size() == 21);
  CHECK(size.bounds.contains("8.388608e+06"));
  const Family& duration = page.at("binlog_binlogfile_write_binlog_duration_time");
  CHECK(duration.bounds.size() == 19);
  CHECK(duration.bounds.contains("5e-05"));
  CHECK(duration.bounds.contains("6.5536"));
}

TEST_CASE("metrics page: a pump that has gone takes its series with it") {
  metric::pump_position("pump-gone").set(1);
  metric::read_binlog_size("pump-gone").observe(1);
  metric::binlog_reach_duration_time("pump-gone").observe(1);
  CHECK(metrics().to_text().find("pump-gone") != std::string::npos);
  metric::forget_pump("pump-gone");
  CHECK(metrics().to_text().find("pump-gone") == std::string::npos);
}

TEST_CASE("metrics page: it comes packed for those who take gzip") {
  metric::create_at_start();
  const RunningServer server;
  HttpClient client(server.port());
  const auto encoding = [&](const std::string& accept) {
    client.send("GET /metrics HTTP/1.1\r\nHost: d\r\nAccept-Encoding: " + accept + "\r\n\r\n");
    return client.read_reply();
  };
  const HttpReply packed = encoding("deflate, gzip;q=1.0");
  CHECK(packed.field("Content-Encoding") == "gzip");
  const auto page = rpc::gunzip(packed.body, 10 << 20);
  REQUIRE(page.ok());
  CHECK(page->find("binlog_drainer_checkpoint_tso") != std::string::npos);
  CHECK(encoding("deflate").field("Content-Encoding").empty());
  CHECK(encoding("gzip;q=0").field("Content-Encoding").empty());
}

TEST_CASE("metrics page: the figures of the process are plausible") {
  const RunningServer server;
  HttpClient client(server.port());
  std::map<std::string, double> values;
  std::istringstream lines(client.get("/metrics").body);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("#") && line.find('{') == std::string::npos) {
      values[line.substr(0, line.find(' '))] = std::stod(line.substr(line.find(' ')));
    }
  }
  SystemClock clock;
  const double now = static_cast<double>(clock.unix_ms()) / 1000;
  CHECK(values.at("process_cpu_seconds_total") > 0);
  CHECK(values.at("process_open_fds") >= 5);
  CHECK(values.at("process_max_fds") >= values.at("process_open_fds"));
  CHECK(values.at("process_resident_memory_bytes") > 1e6);
  CHECK(values.at("process_virtual_memory_bytes") >= values.at("process_resident_memory_bytes"));
  CHECK(values.at("process_start_time_seconds") <= now + 2);
  CHECK(values.at("process_start_time_seconds") > now - 3600);
  CHECK(values.at("go_goroutines") >= 3);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  // Their allocators keep no figures for mallinfo2().
  CHECK(values.at("go_memstats_heap_inuse_bytes") == 0);
#else
  CHECK(values.at("go_memstats_heap_inuse_bytes") > 0);
#endif
}

}  // namespace drainer::test
