// outputs_bench CAPTURE [REPEATS]: rows per second from a recorded stream through merger,
// collector, schema and syncer into nothing, into the encoders, into pb files, and to librdkafka's
// mock broker.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "drainer/base/log.h"
#include "syncer/file/file_sink.h"
#include "syncer/kafka/kafka_sink.h"
#include "tests/fakes/process_stats.h"
#include "tests/integration/replay.h"
#include "tests/unit/kafka/mock_cluster.h"

namespace drainer {

namespace {

// Encodes and forgets.
class EncodingSink final : public Sink {
 public:
  enum class Mode { kNothing, kKafka, kFile };
  explicit EncodingSink(Mode mode) : mode_(mode) {}

  void start(ThreadGroup&) override {}
  Result<void> submit(Txn txn, const StopToken&) override {
    rows_ += txn.rows.size();
    if (!txn.has_message()) return {};
    out_.clear();
    if (mode_ == Mode::kKafka) return kafka_.put(out_, txn);
    if (mode_ == Mode::kFile) return file_.put(out_, txn);
    return {};
  }
  void close() override {}
  std::optional<Applied> next_applied(const StopToken&) override { return std::nullopt; }
  CommitTs resume_from(CommitTs checkpoint) const override { return checkpoint; }
  bool wants_ddl_before_rows() const override { return false; }
  const tidb::TimeZone& time_zone() const override { return zone_; }
  uint64_t rows() const { return rows_; }

 private:
  const Mode mode_;
  tidb::TimeZone zone_;
  kafka::MessageWriter kafka_{zone_};
  file::MessageWriter file_{zone_};
  ReverseWriter out_;
  uint64_t rows_ = 0;
};

// Replays into a real sink, to its last report.
Result<void> replay_to_end(const upstream::Capture& capture, Sink& sink) {
  ThreadGroup threads;
  sink.start(threads);
  threads.start("progress", [&](const StopToken& stop) -> Result<void> {
    while (sink.next_applied(stop)) {
    }
    return {};
  });
  TRY(integration::replay(capture, sink));
  return threads.wait();
}

template <class Replay>
void measure(const char* name, uint64_t rows, int repeats, Replay replay) {
  const SystemClock clock;
  for (int i = 0; i < repeats; ++i) {
    const TimePoint start = clock.now();
    const double cpu_start = fakes::own_cpu_seconds();
    const Result<void> done = replay();
    const double seconds = std::chrono::duration<double>(clock.now() - start).count();
    std::printf("%-14s %10.0f rows/s %8.2f us of CPU/row%s\n", name,
                static_cast<double>(rows) / seconds,
                (fakes::own_cpu_seconds() - cpu_start) * 1e6 / static_cast<double>(rows),
                done.ok() ? "" : (" " + done.error().to_string()).c_str());
  }
}

int run(const std::string& directory, int repeats) {
  const Result<upstream::Capture> capture = upstream::load_capture(directory);
  if (!capture.ok()) {
    std::printf("%s\n", capture.error().to_string().c_str());
    return 2;
  }
  EncodingSink counter(EncodingSink::Mode::kNothing);
  if (!integration::replay(*capture, counter).ok()) return 2;
  const uint64_t rows = counter.rows();
  std::printf("%lu rows\n", rows);
  using Mode = EncodingSink::Mode;
  for (const auto& [name, mode] :
       {std::pair("nothing", Mode::kNothing), std::pair("kafka message", Mode::kKafka),
        std::pair("file message", Mode::kFile)}) {
    measure(name, rows, repeats, [&capture, mode = mode] {
      EncodingSink sink(mode);
      return integration::replay(*capture, sink);
    });
  }
  SystemClock clock;
  measure("files", rows, repeats, [&]() -> Result<void> {
    const std::string files = std::filesystem::temp_directory_path() / "outputs_bench";
    std::filesystem::remove_all(files);
    file::FileSinkOptions options;
    options.directory = files;
    ASSIGN_OR_RETURN(const auto sink, file::FileSink::open(options, clock));
    TRY(replay_to_end(*capture, *sink));
    std::filesystem::remove_all(files);
    return {};
  });
  measure("mock broker", rows, repeats, [&]() -> Result<void> {
    fakes::MockCluster cluster;
    kafka::KafkaSinkOptions options;
    options.to.kafka_addrs = cluster.brokers();
    options.to.kafka_version = "2.4.0";
    options.to.topic_name = "t";
    ASSIGN_OR_RETURN(const auto sink, kafka::KafkaSink::open(options, clock, StopToken()));
    return replay_to_end(*capture, *sink);
  });
  return 0;
}

}  // namespace

}  // namespace drainer

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: outputs_bench CAPTURE [REPEATS]\n", stderr);
    return 2;
  }
  if (!drainer::open_log({.level = drainer::LogLevel::kError, .file = ""}).ok()) return 2;
  return drainer::run(argv[1], argc > 2 ? std::atoi(argv[2]) : 3);
}
