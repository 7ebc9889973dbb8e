#include "tests/integration/output_run.h"

#include "syncer/file/message.h"
#include "tests/integration/message_text.h"

#include <fmt/core.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace drainer::integration {

namespace {

const std::string kBinaries = DRAINER_BIN_DIR;
/// What a drainer that reads back waits at least (syncer/kafka/README.md).
constexpr int kSettleMs = 3000;
constexpr size_t kLogBytesShown = 4000;

}  // namespace

OutputRun::OutputRun(const std::string& db_type, const std::string& to,
                     const std::vector<std::string>& upstream_options) {
  // The capture was recorded in UTC; the messages do not tell.
  ::setenv("TZ", "UTC", 1);
  std::vector<std::string> arguments = {kBinaries + "/upstream_sim", "--capture",
                                        capture_.directory, "--listen", "127.0.0.1:0"};
  arguments.insert(arguments.end(), upstream_options.begin(), upstream_options.end());
  upstream_ = fakes::Process::start(arguments, path("upstream.log"), /*wants_stdout=*/true);
  REQUIRE(upstream_);
  const auto ready = upstream_->wait_for_line("ready", std::chrono::seconds(240));
  REQUIRE(ready);
  const size_t begin = ready->find("pd=") + 3;
  const std::string pd = ready->substr(begin, ready->find(' ', begin) - begin);
  fakes::write_file(path("drainer.toml"),
                    fmt::format("addr = \"127.0.0.1:{}\"\npd-urls = \"http://{}\"\n"
                                "data-dir = \"{}\"\n[syncer]\ndb-type = \"{}\"\n[syncer.to]\n{}\n",
                                fakes::free_port(), pd, path("data"), db_type, to));
}

std::string OutputRun::log() const {
  const std::string all = fakes::read_file(path("drainer.log"));
  return all.substr(all.size() - std::min(all.size(), kLogBytesShown));
}

std::string OutputRun::log_lines(const std::string& text) const {
  std::istringstream in(fakes::read_file(path("drainer.log")));
  std::string out;
  for (std::string line; std::getline(in, line);) {
    if (line.find(text) != std::string::npos) out += line + "\n";
  }
  return out;
}

std::unique_ptr<fakes::Process> OutputRun::start_drainer(std::vector<std::string> prefix) {
  const std::vector<std::string> command = {
      kBinaries + "/drainer", "-config",          path("drainer.toml"), "-initial-commit-ts",
      capture_.from_ts,       "-until-commit-ts", capture_.until_ts};
  prefix.insert(prefix.end(), command.begin(), command.end());
  auto drainer = fakes::Process::start(prefix, path("drainer.log"));
  REQUIRE(drainer);
  return drainer;
}

int OutputRun::start_and_signal(int signal, std::mt19937& random) {
  std::uniform_int_distribution<int> limit_ms(30, 900);
  const bool passes_settling = reads_back_ && random() % 2 == 0;
  const auto drainer = start_drainer();
  const auto ended = drainer->wait_ms(limit_ms(random) + (passes_settling ? kSettleMs : 0));
  if (ended) return *ended;
  ++interrupted_;
  drainer->send_signal(signal);
  const auto code = drainer->wait(kEndLimit);
  REQUIRE(code);
  return *code;
}

void OutputRun::kill_at_any_time(std::mt19937& random, const std::function<void()>& then) {
  start_and_signal(SIGKILL, random);
  then();
}

void OutputRun::stop_at_any_time(std::mt19937& random) {
  // Asked before it can listen.
  constexpr int kEndedBySignal = 128 + SIGTERM;
  const int code = start_and_signal(SIGTERM, random);
  INFO(log());
  REQUIRE((code == 0 || code == kEndedBySignal));
}

void OutputRun::finish() {
  const auto code = start_drainer()->wait(kEndLimit);
  INFO(log());
  REQUIRE(code == 0);
}

std::string pace_for(int kills) {
  return std::to_string(kills < 10 ? 400 : 2'000 / kills);
}

std::vector<Bytes> payloads_in(const std::string& directory) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().filename().string().starts_with("binlog-")) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> out;
  for (const std::string& path : paths) {
    const Bytes content = fakes::read_file(path);
    std::vector<ByteView> payloads;
    CHECK(append_payloads(path, content, payloads));
    out.insert(out.end(), payloads.begin(), payloads.end());
  }
  return out;
}

std::vector<Bytes> without_repeats(const std::vector<Bytes>& messages) {
  std::vector<Bytes> out;
  CommitTs last(0);
  for (const Bytes& message : messages) {
    const CommitTs ts = file::find_commit_ts(message).value();
    if (ts <= last) continue;
    last = ts;
    out.push_back(message);
  }
  return out;
}

void check_equal(const ExpectedMessages& expected, const std::vector<Bytes>& actual,
                 Decode decode) {
  REQUIRE_FALSE(expected.messages.empty());
  for (size_t i = 0; i < std::min(expected.messages.size(), actual.size()); ++i) {
    if (expected.messages[i] == actual[i]) continue;
    FAIL("message " << i << "\n"
                    << first_difference(decode(expected.messages[i]), decode(actual[i])));
  }
  CHECK(actual.size() == expected.messages.size());
}

}  // namespace drainer::integration
