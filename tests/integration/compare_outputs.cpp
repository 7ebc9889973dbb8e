// compare_outputs DIRECTORY… : replays captures (captures/README.md) through schema, syncer and the
// encoders of the Kafka and the file output, without sockets, and compares the messages with those
// that the Go drainer left there. Prints the first differing field of each differing message. Exit
// code 0: all equal; 1: differences; 2: a capture cannot be replayed.

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "drainer/base/log.h"
#include "syncer/file/message.h"
#include "syncer/kafka/message.h"
#include "syncer/sink.h"
#include "tests/integration/expected_messages.h"
#include "tests/integration/message_text.h"
#include "tests/integration/replay.h"

namespace drainer::integration {

namespace {

constexpr size_t kReportsMax = 20;

// Compares one output, message by message.
class Comparison {
 public:
  using Decode = std::vector<std::string> (*)(ByteView);
  Comparison(const char* name, ExpectedMessages expected, Decode decode)
      : name_(name), expected_(std::move(expected)), decode_(decode) {}

  // Messages belong together by commit ts, so that one too many does not shift all after it.
  void add(ByteView actual) {
    ++count_;
    const CommitTs ts = ts_of(actual);
    while (next_ < expected_.messages.size() && ts_of(expected_.messages[next_]) < ts) {
      report(expected_.messages[next_++], "is missing");
    }
    if (next_ == expected_.messages.size() || ts_of(expected_.messages[next_]) != ts) {
      report(actual, "is not expected");
      return;
    }
    const ByteView expected = expected_.messages[next_++];
    if (expected == actual) return;
    report(actual, "differs");
    if (differences_ <= kReportsMax) {
      std::printf("%s\n", first_difference(decode_(expected), decode_(actual)).c_str());
    }
  }

  /// True when all was equal.
  bool finish() {
    while (next_ < expected_.messages.size()) report(expected_.messages[next_++], "is missing");
    std::printf("  %s: %zu messages, %zu expected, %zu differ\n", name_, count_,
                expected_.messages.size(), differences_);
    return differences_ == 0;
  }

 private:
  static CommitTs ts_of(ByteView message) {
    return file::find_commit_ts(message).value_or(CommitTs());
  }

  void report(ByteView message, const char* what) {
    if (++differences_ > kReportsMax) return;
    std::printf("  %s message of commit ts %ld %s: %s\n", name_, ts_of(message).value, what,
                decode_(message).at(3).c_str());
  }

  const char* name_;
  ExpectedMessages expected_;
  Decode decode_;
  size_t count_ = 0;
  size_t next_ = 0;
  size_t differences_ = 0;
};

// Encodes what is submitted as both outputs do. One thread.
class ComparingSink final : public Sink {
 public:
  ComparingSink(std::optional<Comparison> kafka, std::optional<Comparison> file)
      : kafka_(std::move(kafka)), file_(std::move(file)) {}

  void start(ThreadGroup&) override {}
  Result<void> submit(Txn txn, const StopToken&) override {
    if (txn.has_message()) {
      if (kafka_) TRY(encode(kafka_writer_, txn, *kafka_));
      if (file_) TRY(encode(file_writer_, txn, *file_));
    }
    return {};
  }
  void close() override {}
  std::optional<Applied> next_applied(const StopToken&) override { return std::nullopt; }
  CommitTs resume_from(CommitTs checkpoint) const override { return checkpoint; }
  bool wants_ddl_before_rows() const override { return false; }
  const tidb::TimeZone& time_zone() const override { return zone_; }

  bool compares_anything() const { return kafka_ || file_; }
  bool finish() {
    const bool kafka_is_equal = !kafka_ || kafka_->finish();
    const bool file_is_equal = !file_ || file_->finish();
    return kafka_is_equal && file_is_equal;
  }

 private:
  template <class Writer>
  Result<void> encode(Writer& writer, const Txn& txn, Comparison& comparison) {
    out_.clear();
    TRY(writer.put(out_, txn));
    comparison.add(out_.view());
    return {};
  }

  // The captures were recorded by a drainer in UTC.
  tidb::TimeZone zone_;
  std::optional<Comparison> kafka_;
  std::optional<Comparison> file_;
  kafka::MessageWriter kafka_writer_{zone_};
  file::MessageWriter file_writer_{zone_};
  ReverseWriter out_;
};

std::optional<Comparison> comparison(const char* name, std::optional<ExpectedMessages> expected,
                                     Comparison::Decode decode) {
  if (!expected) return std::nullopt;
  return Comparison(name, std::move(*expected), decode);
}

// True: all equal, or nothing is there to compare with; else counts in `compared`.
Result<bool> compare_capture(const std::string& directory, size_t& compared) {
  ComparingSink sink(comparison("kafka", load_kafka_messages(directory), kafka_message_lines),
                     comparison("file", load_file_payloads(directory), file_payload_lines));
  if (!sink.compares_anything()) {
    std::printf("  has no expected messages\n");
    return true;
  }
  ++compared;
  ASSIGN_OR_RETURN(const upstream::Capture capture, upstream::load_capture(directory));
  TRY(replay(capture, sink, /*shows_original_errors=*/true));
  return sink.finish();
}

int compare_all(const std::vector<std::string>& directories) {
  int code = 0;
  size_t compared = 0;
  for (const std::string& directory : directories) {
    std::printf("%s\n", directory.c_str());
    const Result<bool> equal = compare_capture(directory, compared);
    if (!equal.ok()) {
      std::printf("  %s\n", equal.error().to_string().c_str());
      code = 2;
    } else if (!*equal && code == 0) {
      code = 1;
    }
  }
  return compared > 0 ? code : 2;
}

}  // namespace

}  // namespace drainer::integration

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: compare_outputs DIRECTORY...\n", stderr);
    return 2;
  }
  const drainer::Result<void> opened =
      drainer::open_log({.level = drainer::LogLevel::kError, .file = ""});
  if (!opened.ok()) return 2;
  return drainer::integration::compare_all({argv + 1, argv + argc});
}
