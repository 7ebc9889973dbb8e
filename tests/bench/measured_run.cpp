#include "tests/bench/measured_run.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "drainer/base/check.h"
#include "tests/fakes/process.h"
#include "tests/fakes/process_stats.h"
#include "tests/fakes/tcp_proxy.h"
#include "tests/fakes/words.h"
#include "tests/upstream/test_client.h"

namespace drainer::bench {
namespace {

constexpr Duration kSampleInterval = std::chrono::milliseconds(50);
constexpr Duration kQuietTime = std::chrono::seconds(6);
constexpr auto kStartLimit = std::chrono::seconds(120);
/// In one interval: a checkpoint, the progress of an idle drainer.
constexpr uint64_t kIdleWrites = 4;

struct Sample {
  double seconds = 0;
  uint64_t row_writes = 0;
};

/// Rows per second between 10 and 90 % of the writes.
double rate_of_middle(const std::vector<Sample>& samples, uint64_t rows) {
  const auto total = static_cast<double>(samples.back().row_writes);
  const auto moment_of = [&](double share) {
    const auto next = std::ranges::find_if(samples, [&](const Sample& sample) {
      return static_cast<double>(sample.row_writes) >= share * total;
    });
    const Sample last = next == samples.begin() ? Sample{} : *std::prev(next);
    const auto writes = static_cast<double>(next->row_writes - last.row_writes);
    const double part = (share * total - static_cast<double>(last.row_writes)) / writes;
    return last.seconds + part * (next->seconds - last.seconds);
  };
  return 0.8 * static_cast<double>(rows) / std::max(moment_of(0.9) - moment_of(0.1), 0.001);
}

/// Samples the server until it writes no more or `is_over`; `at_change` is called at each change.
std::vector<Sample> watch(Downstream& downstream, Duration quiet, int limit_s,
                          const std::function<bool()>& is_over,
                          const std::function<void()>& at_change) {
  SystemClock clock;
  const TimePoint start = clock.now();
  TimePoint last_change = start;
  std::vector<Sample> samples;
  uint64_t last_writes = 0;
  while (clock.now() - start < std::chrono::seconds(limit_s)) {
    const bool is_last = is_over();
    clock.sleep_for(kSampleInterval, StopToken());
    const uint64_t writes = downstream.counters().row_writes;
    const TimePoint now = clock.now();
    if (writes > std::exchange(last_writes, writes) + kIdleWrites) {
      last_change = now;
      samples.push_back({std::chrono::duration<double>(now - start).count(), writes});
      at_change();
    }
    if (is_last || (writes > 100 && now - last_change > quiet)) break;
  }
  return samples;
}

std::string config_of(const RunOptions& options, const std::string& directory,
                      const std::string& pd, int own_port, uint16_t port) {
  std::string lines;
  for (const std::string& line : options.syncer_lines) lines += line + "\n";
  if (lines.find("worker-count") == std::string::npos) lines += "worker-count = 16\n";
  return fmt::format(
      "addr = \"127.0.0.1:{}\"\npd-urls = \"http://{}\"\ndata-dir = \"{}/data\"\n[syncer]\n"
      "db-type = \"mysql\"\nignore-schemas = \"INFORMATION_SCHEMA,PERFORMANCE_SCHEMA,mysql\"\n"
      "txn-batch = 20\n{}[syncer.to]\nhost = \"127.0.0.1\"\nport = {}\nuser = "
      "\"dr\"\npassword = \"p\"\n",
      own_port, pd, directory, lines, port);
}

constexpr const char* kLatencyName = "drainer_mysql_commit_latency_seconds";
/// The end of the rows over which the latency is taken begins here: what has gathered while the
/// tables were created is written by then.
constexpr double kLatencyFrom = 0.4;

std::string metrics_of(const std::string& address) {
  return upstream::http_request(address, "GET", "/metrics").second;
}

double applied_rows(const std::string& metrics) {
  const std::string name = "\ndrainer_applied_rows_total ";
  const size_t at = metrics.find(name);
  return at == std::string::npos ? 0 : std::strtod(metrics.c_str() + at + name.size(), nullptr);
}

/// Upper limits and how many lie below, of a histogram in Prometheus text.
using Buckets = std::vector<std::pair<double, double>>;

Buckets read_buckets(const std::string& metrics, const std::string& name) {
  const std::string prefix = name + "_bucket{le=\"";
  Buckets buckets;
  for (size_t at = metrics.find(prefix); at != std::string::npos; at = metrics.find(prefix, at)) {
    at += prefix.size();
    const double limit = std::strtod(metrics.c_str() + at, nullptr);
    at = metrics.find('}', at) + 1;
    buckets.emplace_back(limit, std::strtod(metrics.c_str() + at, nullptr));
  }
  return buckets;
}

double quantile_ms(const Buckets& buckets, double q) {
  const double rank = q * buckets.back().second;
  const auto found = std::ranges::find_if(buckets, [&](auto& b) { return b.second >= rank; });
  const auto before = found == buckets.begin() ? std::pair(0.0, 0.0) : *std::prev(found);
  const double part = (rank - before.second) / std::max(found->second - before.second, 1.0);
  return 1000 * (before.first + part * (std::min(found->first, 1e6) - before.first));
}

/// Of what has come since `begin`; nothing where the drainer does not tell it.
std::optional<Latency> latency_since(const Buckets& begin, const std::string& metrics) {
  Buckets buckets = read_buckets(metrics, kLatencyName);
  if (buckets.empty() || begin.size() != buckets.size()) return std::nullopt;
  for (size_t i = 0; i < begin.size(); ++i) buckets[i].second -= begin[i].second;
  if (buckets.back().second == 0) return std::nullopt;
  return Latency{.p50_ms = quantile_ms(buckets, 0.5), .p99_ms = quantile_ms(buckets, 0.99)};
}

}  // namespace

Downstream::Downstream(const std::vector<std::string>& arguments) : server_(arguments) {
  auto session = mysql::Session::open({.host = "127.0.0.1",
                                       .port = server_.port(),
                                       .user = "root",
                                       .password = "",
                                       .security = {},
                                       .read_timeout = std::chrono::minutes(10),
                                       .variables = {}});
  CHECK(session.ok(), "{}", session.error().to_string());
  session_ = std::move(session).value();
}

Downstream::Counters Downstream::read() {
  const auto rows = session_->query(
      "SHOW GLOBAL STATUS WHERE Variable_name IN ('Handler_write', 'Handler_update', "
      "'Handler_delete', 'Queries')");
  CHECK(rows.ok(), "{}", rows.error().to_string());
  Counters counters;
  for (const mysql::ResultRow& row : *rows) {
    const uint64_t value = std::strtoull(row[1].value_or("0").c_str(), nullptr, 10);
    (row[0] == "Queries" ? counters.statements : counters.row_writes) += value;
  }
  return counters;
}

Downstream::Counters Downstream::counters() {
  const Counters now = read();
  return {.row_writes = now.row_writes - at_clear_.row_writes,
          .statements = now.statements - at_clear_.statements};
}

void Downstream::clear(const Workload& workload) {
  const auto run = [&](const std::string& sql) {
    auto done = session_->execute(sql);
    CHECK(done.ok(), "{}: {}", sql, done.error().to_string());
  };
  auto databases = session_->query("SHOW DATABASES");
  CHECK(databases.ok(), "{}", databases.error().to_string());
  run("SET foreign_key_checks = 0");
  for (const mysql::ResultRow& row : *databases) {
    const std::string name = row[0].value_or("");
    if (name != "mysql" && name != "sys" && !name.ends_with("_schema")) {
      run("DROP DATABASE `" + name + "`");
    }
  }
  run("CREATE OR REPLACE USER dr@'127.0.0.1' IDENTIFIED BY 'p'");
  run("GRANT ALL ON *.* TO dr@'127.0.0.1'");
  const std::string prepare = fakes::read_file(workload.capture + "/prepare.sql");
  if (!prepare.empty()) run(prepare);
  at_clear_ = read();
}

Outcome measure_drainer(const std::string& drainer, const Workload& workload,
                        const RunOptions& options, Downstream& downstream, Recording* recording) {
  fakes::TempDir directory("bench");
  downstream.clear(workload);
  std::vector<std::string> command{DRAINER_BIN_DIR "/upstream_sim",
                                   "--capture",
                                   workload.capture,
                                   "--listen",
                                   "127.0.0.1:0",
                                   "--repeat",
                                   workload.repeat,
                                   "--prepare",
                                   "yes",
                                   "--pace",
                                   options.pace};
  if (!options.pumps.empty()) command.insert(command.end(), {"--pumps", options.pumps});
  auto upstream = fakes::Process::start(command, directory.path() + "/upstream.log",
                                        /*wants_stdout=*/true);
  const auto ready = upstream->wait_for_line("ready", kStartLimit);
  CHECK(ready.has_value(), "upstream_sim: {}",
        fakes::read_file(directory.path() + "/upstream.log"));
  const size_t pd_at = ready->find("pd=") + 3;
  const std::string pd = ready->substr(pd_at, ready->find(' ', pd_at) - pd_at);

  std::unique_ptr<fakes::TcpProxy> proxy;
  if (options.rtt_ms > 0 || recording != nullptr) {
    fakes::TcpProxy::Options network{
        .delay = std::chrono::microseconds(static_cast<int64_t>(options.rtt_ms * 1000))};
    if (recording != nullptr) {
      network.make_tap = [recording] {
        return std::make_unique<Recording::Connection>(recording->add_connection());
      };
    }
    proxy = std::make_unique<fakes::TcpProxy>(downstream.port(), std::move(network));
  }
  const int own_port = fakes::free_port();
  const std::string config = directory.path() + "/drainer.toml";
  fakes::write_file(config, config_of(options, directory.path(), pd, own_port,
                                      proxy ? proxy->port() : downstream.port()));
  const std::string from =
      fakes::json_text(fakes::read_file(workload.capture + "/capture.json"), "from_ts");
  CHECK(!from.empty(), "{}/capture.json has no from_ts", workload.capture);
  auto process = fakes::Process::start({drainer, "-config", config, "-initial-commit-ts", from},
                                       directory.path() + "/drainer.log");
  Outcome outcome;
  double cpu_s = 0;
  Buckets latency_begin;
  const std::string own_address = fmt::format("127.0.0.1:{}", own_port);
  const auto samples = watch(
      downstream, kQuietTime, options.limit_s, [&] { return !process->is_running(); },
      [&] {
        cpu_s = fakes::cpu_seconds(process->pid());
        outcome.rss_mib = fakes::peak_rss_mib(process->pid());
        if (!options.wants_latency || !latency_begin.empty()) return;
        const std::string metrics = metrics_of(own_address);
        if (applied_rows(metrics) < kLatencyFrom * static_cast<double>(workload.rows)) return;
        latency_begin = read_buckets(metrics, kLatencyName);
      });
  CHECK(!samples.empty(), "{} wrote nothing: {}", drainer,
        fakes::read_file(directory.path() + "/drainer.log"));
  const auto rows = static_cast<double>(workload.rows);
  outcome.rows_per_s = rate_of_middle(samples, workload.rows);
  outcome.cpu_s_per_million = cpu_s / rows * 1e6;
  outcome.statements_per_row = static_cast<double>(downstream.counters().statements) / rows;
  if (proxy) outcome.round_trips_per_row = static_cast<double>(proxy->round_trips()) / rows;
  if (options.wants_latency) {
    outcome.latency = latency_since(latency_begin, metrics_of(own_address));
  }
  process->send_signal(SIGKILL);
  return outcome;
}

Outcome measure_replay(const Recording& recording, const Workload& workload,
                       Downstream& downstream) {
  downstream.clear(workload);
  std::atomic<bool> is_over = false;
  std::jthread replayer([&] {
    const ReplayOutcome replayed = replay(recording, downstream.port());
    if (replayed.errors > 0) {
      std::fprintf(stderr, "replay: %lu of %lu statements failed, the first with %s\n",
                   replayed.errors, replayed.statements, replayed.first_error.c_str());
    }
    is_over = true;
  });
  const auto samples = watch(
      downstream, std::chrono::hours(1), 3600, [&] { return is_over.load(); }, [] {});
  Outcome outcome;
  outcome.rows_per_s = rate_of_middle(samples, workload.rows);
  outcome.statements_per_row =
      static_cast<double>(downstream.counters().statements) / static_cast<double>(workload.rows);
  return outcome;
}

}  // namespace drainer::bench
