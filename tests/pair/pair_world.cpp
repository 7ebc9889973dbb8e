#include "tests/pair/pair_world.h"

#include <fmt/format.h>

#include <csignal>
#include <filesystem>
#include <utility>

#include "drainer/base/check.h"
#include "drainer/cluster/pd.h"
#include "tests/fakes/words.h"
#include "tests/integration/http_call.h"

namespace drainer::pair {

namespace {

/// Where the programs lie: beside this one.
std::string binaries() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

constexpr std::chrono::seconds kReadyLimit{240};
constexpr std::chrono::seconds kEndLimit{240};
constexpr Duration kPoll = std::chrono::milliseconds(20);
constexpr size_t kLogEndBytes = 3000;

std::string end_of(const std::string& log) {
  return log.substr(log.size() > kLogEndBytes ? log.size() - kLogEndBytes : 0);
}

std::string node_id(size_t link) {
  return fmt::format("drainer-{}", link);
}

std::string numbers(const std::vector<int64_t>& values) {
  return fmt::format("[{}]", fmt::join(values, ", "));
}

}  // namespace

PairWorld::PairWorld(Settings settings)
    : settings_(std::move(settings)),
      directory_("pair"),
      clusters_(settings_.topology.clusters),
      links_(settings_.topology.links.size()) {
  for (size_t i = 0; i < clusters_.size(); ++i) start_cluster(i);
  for (size_t i = 0; i < links_.size(); ++i) {
    links_[i].proxy = std::make_unique<fakes::TcpProxy>(clusters_[link(i).to].server->port());
    links_[i].port = static_cast<uint16_t>(fakes::free_port());
    write_config(i);
  }
}

std::string PairWorld::path(const std::string& kind, size_t number) const {
  return fmt::format("{}/{}-{}", directory_.path(), kind, number);
}

void PairWorld::start_cluster(size_t number) {
  Cluster& cluster = clusters_[number];
  cluster.server = std::make_unique<fakes::MariadbServer>(
      std::vector<std::string>{"--log-bin=binlog", "--binlog-format=ROW", "--binlog-checksum=NONE",
                               fmt::format("--server-id={}", number + 1), "--sync-binlog=0"});
  std::vector<std::string> arguments = {
      binaries() + "/upstream_sim",
      "--write-back",
      fmt::format("{}:{}/binlog.000001", cluster.server->port(), cluster.server->data_dir()),
      "--cluster-id",
      fmt::format("{}", 1001 + number),
      "--fake-interval-ms",
      "50"};
  for (const std::string& fault : settings_.sim_faults) {
    arguments.insert(arguments.end(), {"--fault", fault});
  }
  cluster.simulator = fakes::Process::start(arguments, path("simulator", number) + ".log",
                                            /*wants_stdout=*/true);
  const auto ready = cluster.simulator->wait_for_line("ready", kReadyLimit);
  CHECK(ready.has_value(), "simulator {} does not start: {}", number,
        end_of(fakes::read_file(path("simulator", number) + ".log")));
  cluster.pd = fakes::word_after(*ready, "pd=");
  cluster.from_ts = fakes::word_after(*ready, "from_ts=");
}

void PairWorld::write_config(size_t number) {
  const Link& link = settings_.topology.links[number];
  const Running& running = links_[number];
  const std::string channels =
      link.stop_channels.empty() ? "" : "channel-ids = " + numbers(link.stop_channels) + "\n";
  fakes::write_file(
      path("drainer", number) + ".toml",
      fmt::format("addr = \"127.0.0.1:{}\"\npd-urls = \"http://{}\"\ndata-dir = \"{}\"\n"
                  "detect-interval = 1\n[syncer]\ndb-type = \"mysql\"\nloopback-control = true\n"
                  "channel-id = {}\n{}sync-ddl = {}\nworker-count = 4\n"
                  "replicate-do-db = [\"pair\"]\n{}\n[syncer.to]\nhost = \"127.0.0.1\"\n"
                  "port = {}\nuser = \"root\"\nsync-mode = 2\n{}\n",
                  running.port, clusters_[link.from].pd, path("data", number), link.channel,
                  channels, link.sync_ddl, settings_.syncer, running.proxy->port(),
                  settings_.more));
}

void PairWorld::edit_config(size_t link, const std::string& from, const std::string& to) {
  const std::string file = path("drainer", link) + ".toml";
  std::string text = fakes::read_file(file);
  const size_t at = text.find(from);
  CHECK(at != std::string::npos, "{} is not in {}", from, file);
  fakes::write_file(file, text.replace(at, from.size(), to));
}

std::string PairWorld::write_dump_metadata(size_t number) {
  auto pd = cluster::PdClient::open({.urls = {"http://" + clusters_[number].pd}}, clock_, {});
  CHECK(pd.ok(), "{}", pd.error().to_string());
  const auto now = (*pd)->tso(StopToken());
  CHECK(now.ok(), "{}", now.error().to_string());
  const std::string file = path("metadata", number);
  fakes::write_file(file, fmt::format("Started dump at: 2026-11-21 10:00:00\nSHOW MASTER STATUS:\n"
                                      "\tLog: tidb-binlog\n\tPos: {}\n\tGTID:\n\n"
                                      "Finished dump at: 2026-11-21 10:00:01\n",
                                      *now));
  return file;
}

std::unique_ptr<mysql::Session> PairWorld::connect(size_t cluster) const {
  mysql::SessionOptions options;
  options.host = "127.0.0.1";
  options.port = clusters_[cluster].server->port();
  options.user = "root";
  auto session = mysql::Session::open(options);
  CHECK(session.ok(), "{}", session.error().to_string());
  return std::move(session).value();
}

Result<std::string> PairWorld::value(size_t cluster, const std::string& sql) const {
  return connect(cluster)->query_value(sql);
}

void PairWorld::start_drainer(size_t number, std::vector<std::string> position) {
  Running& running = links_[number];
  const bool is_given = number < settings_.drainers.size() && !settings_.drainers[number].empty();
  const std::string program = is_given ? settings_.drainers[number] : binaries() + "/drainer";
  std::vector<std::string> arguments = {program, "-config", path("drainer", number) + ".toml",
                                        "-node-id", node_id(number)};
  if (position.empty()) position = {"-initial-commit-ts", clusters_[link(number).from].from_ts};
  arguments.insert(arguments.end(), position.begin(), position.end());
  running.process = fakes::Process::start(arguments, path("drainer", number) + ".log");
  CHECK(running.process != nullptr, "{} does not start", program);
}

void PairWorld::start_drainers() {
  for (size_t i = 0; i < links_.size(); ++i) start_drainer(i);
}

void PairWorld::kill_drainer(size_t number) {
  links_[number].process->send_signal(SIGKILL);
  (void)links_[number].process->wait(kEndLimit);
  links_[number].process.reset();
}

std::optional<int> PairWorld::pause_drainer(size_t number) {
  const std::string answer = integration::http_call(
      links_[number].port, "PUT", fmt::format("/state/{}/pause", node_id(number)), /*tls=*/nullptr);
  CHECK(answer.find("apply action pause success!") != std::string::npos, "{}", answer);
  return end_of_drainer(number);
}

std::optional<int> PairWorld::stop_drainer(size_t number) {
  links_[number].process->send_signal(SIGTERM);
  return end_of_drainer(number);
}

std::optional<int> PairWorld::end_of_drainer(size_t number) {
  const auto code = links_[number].process->wait(kEndLimit);
  links_[number].process.reset();
  return code;
}

std::optional<int> PairWorld::wait_for_end(size_t number) {
  return links_[number].process->wait(kEndLimit);
}

void PairWorld::wait_for_log(size_t link, const std::string& text) {
  while (log(link).find(text) == std::string::npos && links_[link].process->is_running()) {
    clock_.sleep_for(kPoll, StopToken());
  }
}

std::string PairWorld::log(size_t link) const {
  return fakes::read_file(path("drainer", link) + ".log");
}

void PairWorld::cut_downstream(size_t link, fakes::TcpProxy::Cut cut) {
  links_[link].proxy->arm(cut, "COMMIT");
}

std::string PairWorld::look_after() {
  std::string out;
  for (size_t i = 0; i < clusters_.size(); ++i) {
    if (clusters_[i].simulator->is_running()) continue;
    out += fmt::format("simulator {} has ended: {}\n", i,
                       end_of(fakes::read_file(path("simulator", i) + ".log")));
  }
  for (size_t i = 0; i < links_.size(); ++i) {
    if (!links_[i].process || links_[i].process->is_running()) continue;
    if (const std::string end = end_of(log(i));
        end.find("create drainer server failed") != std::string::npos &&
        end.find("Lost connection") != std::string::npos) {
      start_drainer(i);
      ++restarts_;
      continue;
    }
    out += fmt::format("drainer {} has ended: {}\n", i, end_of(log(i)));
  }
  return out;
}

Result<void> PairWorld::pass_markers(TimePoint deadline) {
  ++markers_;
  const auto sessions = [&] {
    std::vector<std::unique_ptr<mysql::Session>> out;
    for (size_t i = 0; i < clusters_.size(); ++i) out.push_back(connect(i));
    return out;
  }();
  for (size_t i = 0; i < clusters_.size(); ++i) {
    TRY(sessions[i]->execute(fmt::format("insert into pair.markers values ({}, {})", i, markers_)));
  }
  const std::string count =
      fmt::format("select count(*) from pair.markers where number = {}", markers_);
  const std::string wanted = fmt::format("{}", clusters_.size());
  for (size_t i = 0; i < clusters_.size(); ++i) {
    while (true) {
      ASSIGN_OR_RETURN(const std::string found, sessions[i]->query_value(count));
      if (found == wanted) break;
      if (const std::string failures = look_after(); !failures.empty()) {
        return make_error(ErrorCode::kInternal, "{}", failures);
      }
      if (clock_.now() > deadline || !clock_.sleep_for(kPoll, StopToken())) {
        return make_error(ErrorCode::kTimeout, "cluster {} has {} of the markers {}", i, found,
                          markers_);
      }
    }
  }
  return {};
}

}  // namespace drainer::pair
