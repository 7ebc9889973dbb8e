// How long a drainer takes to start, and how much memory, with a history of DDL jobs behind it:
// the whole program against upstream_sim, first from the history, then from its own store.
//
// startup_bench [jobs tables columns]…     default: 100, 10,000 and 100,000 jobs; 10,000 wide
// tables

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "drainer/cluster/key_codec.h"
#include "tests/fakes/process.h"
#include "tests/upstream/small_capture.h"

using namespace drainer;
using upstream::SmallCapture;

namespace {

struct Scenario {
  int64_t jobs;
  int64_t tables;
  int columns;
};

struct Measure {
  double seconds = 0;  ///< from the first log line to the loaded schema
  double peak_mib = 0;
};

constexpr const char* kColumn =
    R"({{"id":{0},"name":{{"O":"{1}_column_{0}","L":"{1}_column_{0}"}},"offset":{2},)"
    R"("origin_default":null,"origin_default_bit":null,"default":null,"default_bit":null,)"
    R"("default_is_expr":false,"generated_expr_string":"","generated_stored":false,)"
    R"("dependences":null,"type":{{"Tp":15,"Flag":0,"Flen":255,"Decimal":0,"Charset":"utf8mb4",)"
    R"("Collate":"utf8mb4_bin","Elems":null,"ElemsIsBinaryLit":null,"Array":false}},"state":5,)"
    R"("comment":"","hidden":false,"change_state_info":null,"version":2}})";

Bytes table_json(int64_t table, int columns) {
  Bytes out = fmt::format(
      R"({{"id":{0},"name":{{"O":"t{0}","L":"t{0}"}},"charset":"utf8mb4","collate":"utf8mb4_bin",)"
      R"("max_col_id":{1},"pk_is_handle":false,"is_common_handle":false,"index_info":null,"cols":[)",
      table, columns);
  for (int i = 1; i <= columns; ++i) {
    if (i > 1) out += ',';
    out += fmt::format(fmt::runtime(kColumn), i, table % 97, i - 1);
  }
  return out + R"(],"partition":null,"view":null,"sequence":null})";
}

Bytes job_json(int64_t id, int type, int64_t table, const Bytes& info, const char* database) {
  return fmt::format(
      R"({{"id":{0},"type":{1},"schema_id":2,"table_id":{2},"state":6,"raw_args":null,)"
      R"("schema_state":5,"query":"alter table t{2} comment = 'x'","binlog":{{"SchemaVersion":{0},)"
      R"("DBInfo":{3},"TableInfo":{4},"FinishedTS":{0},"MultipleTableInfos":null}}}})",
      id, type, table, database, info);
}

void add_job(SmallCapture& capture, int64_t id, const Bytes& json) {
  Bytes field;
  append_be64(field, static_cast<uint64_t>(id));
  capture.add_meta(cluster::hash_field_key("DDLJobHistory", field), json, /*at_from=*/true);
}

void fill(SmallCapture& capture, const Scenario& scenario) {
  add_job(capture, 1,
          job_json(1, 1, 0, "null", R"({"id":2,"db_name":{"O":"shop","L":"shop"},"state":5})"));
  for (int64_t i = 0; i < scenario.jobs; ++i) {
    const int64_t table = 1'000'000 + i % scenario.tables;
    add_job(capture, i + 2,
            job_json(i + 2, i < scenario.tables ? 3 : 17, table,
                     table_json(table, scenario.columns), "null"));
  }
}

// Seconds of the day in "[2026/11/21 15:31:58.497 +00:00] …".
double second_of(const std::string& line) {
  int hours = 0;
  int minutes = 0;
  double seconds = 0;
  std::sscanf(line.c_str() + 12, "%d:%d:%lf", &hours, &minutes, &seconds);
  return hours * 3600 + minutes * 60 + seconds;
}

std::string line_with(const std::string& log, const std::string& text) {
  const size_t at = log.rfind(text);
  if (at == std::string::npos) return {};
  const size_t begin = log.rfind('\n', at) + 1;
  return log.substr(begin, log.find('\n', at) - begin);
}

Measure run_drainer(const std::string& directory, const std::string& pd) {
  const std::string log = directory + "/drainer.log";
  std::remove(log.c_str());
  fakes::write_file(
      directory + "/drainer.toml",
      fmt::format(
          "addr = \"127.0.0.1:{}\"\npd-urls = \"http://{}\"\ndata-dir = \"{}/data\"\n"
          "log-file = \"{}\"\n[syncer]\ndb-type = \"file\"\n[syncer.to]\ndir = \"{}/out\"\n",
          fakes::free_port(), pd, directory, log, directory));
  const std::string program = std::string(DRAINER_BIN_DIR) + "/drainer";
  const std::string config = directory + "/drainer.toml";
  const std::string from = std::to_string(SmallCapture::kFromTs);
  const std::string until = std::to_string(SmallCapture::kMetaTs - 1);
  const pid_t pid = fork();
  if (pid == 0) {
    execl(program.c_str(), program.c_str(), "-config", config.c_str(), "-initial-commit-ts",
          from.c_str(), "-until-commit-ts", until.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  wait4(pid, &status, 0, &usage);
  const std::string text = fakes::read_file(log);
  const std::string loaded = line_with(text, "[\"load schema\"]");
  if (status != 0 || loaded.empty()) {
    std::fprintf(stderr, "the drainer ended with %d:\n%s\n", status,
                 text.substr(text.size() > 2000 ? text.size() - 2000 : 0).c_str());
    std::exit(1);
  }
  return {.seconds = second_of(loaded) - second_of(line_with(text, "start drainer...")),
          .peak_mib = static_cast<double>(usage.ru_maxrss) / 1024};
}

// In a process of its own: the memory of whoever starts a program counts as the program's.
std::string write_capture(const Scenario& scenario, const std::string& directory) {
  const std::string note = directory + "/capture-path";
  const pid_t pid = fork();
  if (pid == 0) {
    SmallCapture capture;
    fill(capture, scenario);
    fakes::write_file(note, capture.write());
    _exit(0);  // leaves the files
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return fakes::read_file(note);
}

void run(const Scenario& scenario) {
  fakes::TempDir directory("startup-bench");
  const std::string capture_path = write_capture(scenario, directory.path());
  const auto sim = fakes::Process::start({std::string(DRAINER_BIN_DIR) + "/upstream_sim",
                                          "--capture", capture_path, "--listen", "127.0.0.1:0"},
                                         directory.path() + "/sim.log", /*wants_stdout=*/true);
  const auto ready = sim->wait_for_line("ready", std::chrono::seconds(300));
  if (!ready) {
    std::fprintf(stderr, "upstream_sim: %s\n",
                 fakes::read_file(directory.path() + "/sim.log").c_str());
    std::exit(1);
  }
  const size_t at = ready->find("pd=") + 3;
  const std::string pd = ready->substr(at, ready->find(' ', at) - at);
  const Measure history = run_drainer(directory.path(), pd);
  const Measure stored = run_drainer(directory.path(), pd);
  std::printf(
      "%7lld jobs %6lld tables x %3d columns | history %7.2f s %6.1f MiB | store %7.2f s "
      "%6.1f MiB\n",
      static_cast<long long>(scenario.jobs), static_cast<long long>(scenario.tables),
      scenario.columns, history.seconds, history.peak_mib, stored.seconds, stored.peak_mib);
  std::fflush(stdout);
  std::filesystem::remove_all(capture_path);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Scenario> scenarios;
  for (int i = 1; i + 2 < argc; i += 3) {
    scenarios.push_back({std::atoll(argv[i]), std::atoll(argv[i + 1]), std::atoi(argv[i + 2])});
  }
  if (scenarios.empty()) {
    scenarios = {{100, 100, 10}, {10'000, 100, 10}, {100'000, 100, 10}, {10'000, 10'000, 100}};
  }
  for (const Scenario& scenario : scenarios) run(scenario);
  return 0;
}
