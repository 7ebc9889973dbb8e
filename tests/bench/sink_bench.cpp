// Throughput of any drainer binary into pb files or Kafka, several binaries in turn under the same
// conditions:
//
//   sink_bench --drainer PATH [--drainer PATH] --capture DIR --sink file|kafka [--repeat N]
//              [--rounds N] [--limit-s N] [--brokers ADDRESSES]
//
// Output is counted where it arrives: bytes of the files, offsets of librdkafka's mock broker in
// this process, which the Go drainer's client does not get along with, or of the brokers given. A
// run ends when it has stood still for some seconds; rates are taken between 10 and 90 % of it. How
// many rows that is, the files of the first binary tell.

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "drainer/base/check.h"
#include "drainer/base/clock.h"
#include "drainer/base/log.h"
#include "syncer/relay/txn_source.h"
#include "tests/fakes/process.h"
#include "tests/fakes/process_stats.h"
#include "tests/fakes/topic_reader.h"
#include "tests/fakes/words.h"
#include "tests/unit/kafka/mock_cluster.h"

namespace drainer::bench {
namespace {

constexpr Duration kSampleInterval = std::chrono::milliseconds(50);
constexpr Duration kQuietTime = std::chrono::seconds(4);
constexpr std::chrono::seconds kStartLimit{120};

struct Settings {
  std::vector<std::string> drainers;
  std::string capture;
  std::string sink = "file";
  std::string repeat = "1";
  std::string brokers;
  int rounds = 1;
  int limit_s = 600;
};

struct Sample {
  double seconds;
  uint64_t count;
};

struct Outcome {
  uint64_t count = 0;  ///< bytes or messages
  double share_per_s = 0;
  double cpu_s = 0;
  double rss_mib = 0;
};

bool parse(int argc, char** argv, Settings& settings) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--drainer") {
      settings.drainers.push_back(value);
    } else if (name == "--capture") {
      settings.capture = value;
    } else if (name == "--sink") {
      settings.sink = value;
    } else if (name == "--repeat") {
      settings.repeat = value;
    } else if (name == "--brokers") {
      settings.brokers = value;
    } else if (name == "--rounds") {
      settings.rounds = std::atoi(value.c_str());
    } else if (name == "--limit-s") {
      settings.limit_s = std::atoi(value.c_str());
    } else {
      return false;
    }
  }
  return argc % 2 == 1 && !settings.drainers.empty() && !settings.capture.empty();
}

uint64_t bytes_in(const std::string& directory) {
  uint64_t bytes = 0;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator(directory, gone)) {
    if (entry.path().filename().string().starts_with("binlog-")) bytes += entry.file_size(gone);
  }
  return bytes;
}

uint64_t rows_in(const std::string& directory) {
  auto source = relay::TxnSource::open({.path = directory}, relay::RecordFormat::kFile, ZonePair());
  CHECK(source.ok(), "{}", source.error().to_string());
  uint64_t rows = 0;
  while (true) {
    const auto txn = source->next();
    CHECK(txn.ok(), "{}", txn.error().to_string());
    if (!*txn) return rows;
    rows += (*txn)->rows.size();
  }
}

// Share of the output per second between 10 and 90 % of it.
double share_per_second(const std::vector<Sample>& samples) {
  const double last = static_cast<double>(samples.back().count);
  const Sample* begin = nullptr;
  for (const Sample& sample : samples) {
    const double share = static_cast<double>(sample.count) / last;
    if (share >= 0.1 && begin == nullptr) begin = &sample;
    if (share < 0.9 || begin == nullptr) continue;
    const double seconds = sample.seconds - begin->seconds;
    const double begun = static_cast<double>(begin->count) / last;
    return seconds > 0 ? (share - begun) / seconds : 0;
  }
  return 0;
}

// One run of a binary. `sink` is file or kafka; the pb files lie in `directory` afterwards.
Outcome run(const Settings& settings, const std::string& drainer, const std::string& sink,
            const std::string& directory) {
  SystemClock clock;
  std::unique_ptr<fakes::MockCluster> brokers;
  std::unique_ptr<fakes::TopicReader> reader;
  std::string topic = "t";
  std::string addresses = settings.brokers;
  if (sink == "kafka") {
    if (addresses.empty()) {
      brokers = std::make_unique<fakes::MockCluster>();
      addresses = brokers->brokers();
    } else {
      topic = fmt::format("sink-bench-{}", clock.unix_ms());
    }
    reader = std::make_unique<fakes::TopicReader>(addresses, topic);
  }
  auto upstream = fakes::Process::start(
      {DRAINER_BIN_DIR "/upstream_sim", "--capture", settings.capture, "--listen", "127.0.0.1:0",
       "--repeat", settings.repeat, "--prepare", "yes"},
      directory + "/upstream.log", /*wants_stdout=*/true);
  const auto ready = upstream->wait_for_line("ready", kStartLimit);
  CHECK(ready.has_value(), "upstream_sim does not start");
  const std::string to =
      reader ? fmt::format("kafka-addrs = \"{}\"\ntopic-name = \"{}\"\nkafka-version = \"2.4.0\"",
                           addresses, topic)
             : fmt::format("dir = \"{}/pb\"", directory);
  fakes::write_file(
      directory + "/drainer.toml",
      fmt::format("addr = \"127.0.0.1:{}\"\npd-urls = \"http://{}\"\n"
                  "data-dir = \"{}/data\"\n[syncer]\ndb-type = \"{}\"\n"
                  "[syncer.to]\n{}\n",
                  fakes::free_port(), fakes::word_after(*ready, "pd="), directory, sink, to));
  auto process =
      fakes::Process::start({drainer, "-config", directory + "/drainer.toml", "-initial-commit-ts",
                             fakes::word_after(*ready, "from_ts=")},
                            directory + "/drainer.log");
  const auto count = [&] {
    return reader ? reader->try_count().value_or(0) : bytes_in(directory + "/pb");
  };
  std::vector<Sample> samples;
  const TimePoint start = clock.now();
  TimePoint last_change = start;
  Outcome out;
  while (clock.now() - start < std::chrono::seconds(settings.limit_s) && process->is_running()) {
    const uint64_t now = count();
    if (samples.empty() || now != samples.back().count) {
      last_change = clock.now();
      samples.push_back({std::chrono::duration<double>(last_change - start).count(), now});
      // The time it is idle afterwards is not counted.
      out.cpu_s = fakes::cpu_seconds(process->pid());
    }
    if (now > 0 && clock.now() - last_change > kQuietTime) break;
    clock.sleep_for(kSampleInterval, StopToken());
  }
  out.count = samples.back().count;
  out.share_per_s = share_per_second(samples);
  out.rss_mib = fakes::peak_rss_mib(process->pid());
  process->send_signal(SIGTERM);
  if (!process->wait(std::chrono::seconds(30))) process->send_signal(SIGKILL);
  return out;
}

int run_all(const Settings& settings) {
  uint64_t rows = 0;
  for (int round = 0; round < settings.rounds; ++round) {
    for (const std::string& drainer : settings.drainers) {
      if (rows == 0) {
        const fakes::TempDir counted("sink_bench");
        (void)run(settings, drainer, "file", counted.path());
        rows = rows_in(counted.path() + "/pb");
        std::printf("%lu rows\n", rows);
      }
      const fakes::TempDir directory("sink_bench");
      const Outcome out = run(settings, drainer, settings.sink, directory.path());
      const double all = static_cast<double>(rows);
      std::printf("%-40s %s %9.0f rows/s %6.2f CPU s per million rows %6.0f MiB RSS (%lu %s)\n",
                  drainer.c_str(), settings.sink.c_str(), out.share_per_s * all,
                  out.cpu_s / all * 1e6, out.rss_mib, out.count,
                  settings.sink == "kafka" ? "messages" : "bytes");
      std::fflush(stdout);
    }
  }
  return 0;
}

}  // namespace
}  // namespace drainer::bench

int main(int argc, char** argv) {
  drainer::bench::Settings settings;
  if (!drainer::bench::parse(argc, argv, settings)) {
    std::fputs(
        "usage: sink_bench --drainer PATH [--drainer PATH] --capture DIR --sink file|kafka\n"
        "                  [--repeat N] [--rounds N] [--limit-s N] [--brokers ADDRESSES]\n",
        stderr);
    return 2;
  }
  (void)drainer::open_log({.level = drainer::LogLevel::kError, .file = ""});
  return drainer::bench::run_all(settings);
}
