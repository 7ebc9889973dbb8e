// Throughput of any drainer binary between upstream_sim and a private MariaDB, several binaries in
// turn under the same conditions:
//
//   bench --drainer PATH [--drainer PATH] --capture DIR [--repeat N] [--rtt-ms X] [--rounds N]
//         [--syncer LINE]… [--limit-s N]
//
// Rows are counted by the server itself (Innodb_rows_inserted, _updated, _deleted), so that nothing
// is asked of the binary; a row of the drainer's own tables counts too. A run ends when the
// counters have stood still for some seconds. Rates are taken between 10 and 90 % of the rows.

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "drainer/base/check.h"
#include "drainer/base/clock.h"
#include "syncer/mysql/session.h"
#include "tests/bench/delay_proxy.h"
#include "tests/fakes/mariadb_server.h"
#include "tests/fakes/process.h"

namespace drainer::bench {
namespace {

constexpr Duration kSampleInterval = std::chrono::milliseconds(100);
constexpr Duration kQuietTime = std::chrono::seconds(6);
constexpr auto kStartLimit = std::chrono::seconds(120);

struct Settings {
  std::vector<std::string> drainers;
  std::string capture;
  std::string repeat = "1";
  double rtt_ms = 0;
  int rounds = 1;
  int limit_s = 600;
  std::vector<std::string> syncer_lines;  ///< of the table [syncer]
};

struct Sample {
  double seconds = 0;
  uint64_t rows = 0;
};

struct Outcome {
  uint64_t rows = 0;
  double rows_per_s = 0;
  double cpu_s_per_million = 0;
  double rss_mib = 0;
  double statements_per_row = 0;
  double round_trips_per_row = 0;
};

std::optional<Settings> parse(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--drainer") {
      settings.drainers.push_back(value);
    } else if (name == "--capture") {
      settings.capture = value;
    } else if (name == "--repeat") {
      settings.repeat = value;
    } else if (name == "--rtt-ms") {
      settings.rtt_ms = std::strtod(value.c_str(), nullptr);
    } else if (name == "--rounds") {
      settings.rounds = std::atoi(value.c_str());
    } else if (name == "--limit-s") {
      settings.limit_s = std::atoi(value.c_str());
    } else if (name == "--syncer") {
      settings.syncer_lines.push_back(value);
    } else {
      return std::nullopt;
    }
  }
  if (argc % 2 == 0 || settings.drainers.empty() || settings.capture.empty()) return std::nullopt;
  return settings;
}

std::string json_text(const std::string& json, const std::string& key) {
  const size_t at = json.find("\"" + key + "\"");
  CHECK(at != std::string::npos, "capture.json has no {}", key);
  const size_t begin = json.find('"', json.find(':', at)) + 1;
  return json.substr(begin, json.find('"', begin) - begin);
}

std::map<std::string, uint64_t> status_of(mysql::Session& session) {
  auto rows = session.query(
      "SHOW GLOBAL STATUS WHERE Variable_name IN ('Innodb_rows_inserted', 'Innodb_rows_updated', "
      "'Innodb_rows_deleted', 'Queries')");
  CHECK(rows.ok(), "{}", rows.error().to_string());
  std::map<std::string, uint64_t> status;
  for (const mysql::ResultRow& row : *rows) {
    status[row[0].value_or("")] = std::strtoull(row[1].value_or("0").c_str(), nullptr, 10);
  }
  return status;
}

uint64_t rows_of(const std::map<std::string, uint64_t>& status) {
  return status.at("Innodb_rows_inserted") + status.at("Innodb_rows_updated") +
         status.at("Innodb_rows_deleted");
}

/// Finds the process by its parent: fakes::Process keeps its id to itself.
pid_t child_running(const std::string& program) {
  auto listing = std::unique_ptr<FILE, int (*)(FILE*)>(
      popen(fmt::format("pgrep -P {} -f '^{} '", getpid(), program).c_str(), "r"), pclose);
  int pid = 0;
  CHECK(listing && std::fscanf(listing.get(), "%d", &pid) == 1, "{} does not run", program);
  return pid;
}

double cpu_seconds(pid_t pid) {
  const std::string stat = fakes::read_file(fmt::format("/proc/{}/stat", pid));
  const size_t after_name = stat.rfind(')');
  if (after_name == std::string::npos) return 0;
  uint64_t user = 0;
  uint64_t system = 0;
  if (std::sscanf(stat.c_str() + after_name + 1,
                  "%*s %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2) {
    return 0;
  }
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double peak_rss_mib(pid_t pid) {
  const std::string status = fakes::read_file(fmt::format("/proc/{}/status", pid));
  const size_t at = status.find("VmHWM:");
  return at == std::string::npos ? 0 : std::strtod(status.c_str() + at + 6, nullptr) / 1024;
}

void clear(mysql::Session& session, const std::string& capture) {
  const auto run = [&](const std::string& sql) {
    auto done = session.execute(sql);
    CHECK(done.ok(), "{}: {}", sql, done.error().to_string());
  };
  auto databases = session.query("SHOW DATABASES");
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
  const std::string prepare = fakes::read_file(capture + "/prepare.sql");
  if (!prepare.empty()) run(prepare);
}

double rate_of_middle(const std::vector<Sample>& samples) {
  const uint64_t total = samples.back().rows;
  const auto reach = [&](double share) {
    return *std::ranges::find_if(samples, [&](const Sample& sample) {
      return static_cast<double>(sample.rows) >= share * static_cast<double>(total);
    });
  };
  const Sample begin = reach(0.1);
  const Sample end = reach(0.9);
  const double seconds = std::max(end.seconds - begin.seconds, 0.001);
  return static_cast<double>(end.rows - begin.rows) / seconds;
}

std::string config_of(const Settings& settings, const std::string& directory, const std::string& pd,
                      uint16_t port) {
  std::string lines;
  for (const std::string& line : settings.syncer_lines) lines += line + "\n";
  return fmt::format(
      "addr = \"127.0.0.1:{}\"\npd-urls = \"http://{}\"\ndata-dir = \"{}/data\"\n[syncer]\n"
      "db-type = \"mysql\"\nignore-schemas = \"INFORMATION_SCHEMA,PERFORMANCE_SCHEMA,mysql\"\n"
      "worker-count = 16\ntxn-batch = 20\n{}[syncer.to]\nhost = \"127.0.0.1\"\nport = {}\nuser = "
      "\"dr\"\npassword = \"p\"\n",
      fakes::free_port(), pd, directory, lines, port);
}

Outcome run_once(const Settings& settings, const std::string& drainer, fakes::MariadbServer& server,
                 mysql::Session& session) {
  fakes::TempDir directory("bench");
  clear(session, settings.capture);
  auto upstream =
      fakes::Process::start({DRAINER_BIN_DIR "/upstream_sim", "--capture", settings.capture,
                             "--listen", "127.0.0.1:0", "--repeat", settings.repeat},
                            directory.path() + "/upstream.log", /*wants_stdout=*/true);
  const auto ready = upstream->wait_for_line("ready", kStartLimit);
  CHECK(ready.has_value(), "upstream_sim: {}",
        fakes::read_file(directory.path() + "/upstream.log"));
  const size_t pd_at = ready->find("pd=") + 3;
  const std::string pd = ready->substr(pd_at, ready->find(' ', pd_at) - pd_at);

  DelayProxy proxy(server.port(),
                   std::chrono::microseconds(static_cast<int64_t>(settings.rtt_ms * 1000)));
  const std::string config = directory.path() + "/drainer.toml";
  fakes::write_file(config, config_of(settings, directory.path(), pd, proxy.port()));
  const std::string from =
      json_text(fakes::read_file(settings.capture + "/capture.json"), "from_ts");

  const auto before = status_of(session);
  SystemClock clock;
  const TimePoint start = clock.now();
  auto process = fakes::Process::start({drainer, "-config", config, "-initial-commit-ts", from},
                                       directory.path() + "/drainer.log");
  const pid_t pid = child_running(drainer);

  std::vector<Sample> samples;
  TimePoint last_change = start;
  double cpu_s = 0;
  Outcome outcome;
  while (process->is_running() && clock.now() - start < std::chrono::seconds(settings.limit_s)) {
    clock.sleep_for(kSampleInterval, StopToken());
    const uint64_t rows = rows_of(status_of(session)) - rows_of(before);
    const TimePoint now = clock.now();
    const bool has_changed = samples.empty() || rows > samples.back().rows + 2;
    if (has_changed) {
      last_change = now;
      cpu_s = cpu_seconds(pid);
      outcome.rss_mib = peak_rss_mib(pid);
      samples.push_back({std::chrono::duration<double>(now - start).count(), rows});
    }
    if (rows > 100 && now - last_change > kQuietTime) break;
  }
  CHECK(!samples.empty() && samples.back().rows > 0, "{} wrote nothing: {}", drainer,
        fakes::read_file(directory.path() + "/drainer.log"));
  const auto after = status_of(session);
  outcome.rows = samples.back().rows;
  outcome.rows_per_s = rate_of_middle(samples);
  const auto rows = static_cast<double>(outcome.rows);
  outcome.cpu_s_per_million = cpu_s / rows * 1e6;
  // Without our own questions.
  outcome.statements_per_row =
      static_cast<double>(after.at("Queries") - before.at("Queries")) / rows;
  outcome.round_trips_per_row = static_cast<double>(proxy.round_trips()) / rows;
  process->send_signal(SIGKILL);
  return outcome;
}

int run(const Settings& settings) {
  fakes::MariadbServer server({"--innodb-buffer-pool-size=1G", "--sql-mode=''",
                               "--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin",
                               "--skip-log-bin", "--max-connections=200"});
  mysql::SessionOptions options{.host = "127.0.0.1",
                                .port = server.port(),
                                .user = "root",
                                .password = "",
                                .security = {},
                                .read_timeout = std::chrono::minutes(2),
                                .variables = {}};
  auto session = mysql::Session::open(options);
  CHECK(session.ok(), "{}", session.error().to_string());
  std::printf("%-44s %10s %9s %9s %8s %9s %9s\n", "drainer", "rows", "rows/s", "cpu s/M", "rss MiB",
              "stmt/row", "trips/row");
  for (int round = 0; round < settings.rounds; ++round) {
    for (const std::string& drainer : settings.drainers) {
      const Outcome outcome = run_once(settings, drainer, server, **session);
      const std::string name = drainer.size() > 44 ? drainer.substr(drainer.size() - 44) : drainer;
      std::printf("%-44s %10lu %9.0f %9.1f %8.0f %9.3f %9.4f\n", name.c_str(), outcome.rows,
                  outcome.rows_per_s, outcome.cpu_s_per_million, outcome.rss_mib,
                  outcome.statements_per_row, outcome.round_trips_per_row);
      std::fflush(stdout);
    }
  }
  return 0;
}

}  // namespace
}  // namespace drainer::bench

int main(int argc, char** argv) {
  const auto settings = drainer::bench::parse(argc, argv);
  if (!settings) {
    std::fprintf(stderr,
                 "bench --drainer PATH [--drainer PATH] --capture DIR [--repeat N] [--rtt-ms X] "
                 "[--rounds N] [--syncer LINE] [--limit-s N]\n");
    return 2;
  }
  return drainer::bench::run(*settings);
}
