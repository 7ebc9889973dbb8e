// compare_outputs DIRECTORY… : replays captures (captures/README.md) through schema, syncer and the
// encoders of the Kafka and the file output, without sockets, and compares the messages with those
// that the Go drainer left there. Prints the first differing field of each differing message. Exit
// code 0: all equal; 1: differences; 2: a capture cannot be replayed.

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drainer/base/log.h"
#include "drainer/cluster/key_codec.h"
#include "drainer/schema/history.h"
#include "pump_client/collector.h"
#include "syncer/file/message.h"
#include "syncer/kafka/message.h"
#include "syncer/syncer.h"
#include "tests/integration/expected_messages.h"
#include "tests/integration/message_text.h"
#include "tests/upstream/capture.h"
#include "tests/upstream/wire.h"

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
    if (kafka::MessageWriter::has_message(txn)) {
      if (kafka_) TRY(encode(kafka_writer_, txn, *kafka_));
      if (file_) TRY(encode(file_writer_, txn, *file_));
    }
    return {};
  }
  void close() override {}
  std::optional<Applied> next_applied(const StopToken&) override { return std::nullopt; }
  CommitTs resume_from(CommitTs checkpoint) const override { return checkpoint; }
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

using Jobs = std::map<DdlJobId, Bytes>;

Result<Jobs> read_jobs(const upstream::KeyValues& meta) {
  const Bytes prefix = cluster::meta_key("DDLJobHistory", cluster::MetaFlag::kHash);
  Jobs out;
  for (const auto& [key, value] : meta) {
    if (!key.starts_with(prefix)) continue;
    ASSIGN_OR_RETURN(const Bytes field, cluster::parse_hash_field(prefix, key));
    out[DdlJobId(static_cast<int64_t>(load_be64(field.data())))] = value;
  }
  return out;
}

// A pump's binlogs, and behind them a fake one so that the merger lets go of the last.
Result<void> offer_tape(const upstream::Tape& tape, const PumpId& pump, CommitTs end,
                        Merger& merger, const StopToken& stop) {
  Bytes beyond;
  upstream::append_varint_field(beyond, 2, static_cast<uint64_t>(end.value) + 1);
  upstream::append_varint_field(beyond, 3, static_cast<uint64_t>(end.value) + 1);
  for (size_t i = 0; i <= tape.records.size(); ++i) {
    Bytes payload = i < tape.records.size() ? Bytes(tape.records[i].payload) : beyond;
    ASSIGN_OR_RETURN(tidb::BinlogItem item, tidb::BinlogItem::parse(std::move(payload), pump));
    if (!merger.offer(pump, std::move(item), stop)) break;
  }
  return {};
}

CommitTs last_commit_ts(const upstream::Capture& capture) {
  int64_t last = 0;
  for (const upstream::Tape& tape : capture.tapes) {
    if (!tape.records.empty()) last = std::max(last, tape.records.back().commit_ts);
  }
  return CommitTs(last);
}

Result<std::shared_ptr<const tidb::DdlJob>> find_job(const Jobs& jobs, DdlJobId id) {
  const auto found = jobs.find(id);
  if (found == jobs.end()) return make_error(ErrorCode::kNotFound, "no DDL job {}", id);
  ASSIGN_OR_RETURN(tidb::DdlJob job, tidb::parse_ddl_job(found->second));
  return std::make_shared<const tidb::DdlJob>(std::move(job));
}

std::optional<Comparison> comparison(const char* name, std::optional<ExpectedMessages> expected,
                                     Comparison::Decode decode) {
  if (!expected) return std::nullopt;
  return Comparison(name, std::move(*expected), decode);
}

// True: all equal, or nothing is there to compare with, which counts in `compared`.
Result<bool> compare_capture(const std::string& directory, size_t& compared) {
  ASSIGN_OR_RETURN(const upstream::Capture capture, upstream::load_capture(directory));
  ASSIGN_OR_RETURN(const Jobs jobs, read_jobs(capture.meta));
  schema::HistoryLoader loader({.commit_ts = capture.from_ts, .schema_version = {}});
  for (const auto& [id, json] : jobs) TRY(loader.add(id, json));
  ASSIGN_OR_RETURN(const std::unique_ptr<schema::Schema> schema, std::move(loader).finish());

  SyncerOptions options;
  options.ignore_schemas = {"INFORMATION_SCHEMA", "PERFORMANCE_SCHEMA", "mysql"};
  SyncerRules rules;
  ASSIGN_OR_RETURN(rules.table_filter, schema::TableFilter::make(options));
  ComparingSink sink(comparison("kafka", load_kafka_messages(directory), kafka_message_lines),
                     comparison("file", load_file_payloads(directory), file_payload_lines));
  if (!sink.compares_anything()) {
    std::printf("  has no expected messages\n");
    return true;
  }
  ++compared;
  const CommitTs end = last_commit_ts(capture);
  rules.until = end;
  constexpr QueueLimits kLimits{.items = 1000, .bytes = 64u << 20};
  Merger merger(capture.from_ts, kLimits);
  BoundedQueue<tidb::BinlogItem> queue(kLimits);
  Collector collector(
      merger, [&jobs](DdlJobId id, const StopToken&) { return find_job(jobs, id); }, queue);
  std::vector<PumpId> pumps;
  for (size_t i = 0; i < capture.tapes.size(); ++i) pumps.emplace_back(fmt::format("pump-{}", i));
  merger.set_sources(pumps);
  ThreadGroup upstream_threads;
  for (size_t i = 0; i < pumps.size(); ++i) {
    upstream_threads.start(pumps[i].value, [&, i](const StopToken& stop) {
      return offer_tape(capture.tapes[i], pumps[i], end, merger, stop);
    });
  }
  upstream_threads.start("collector", [&](const StopToken& stop) { return collector.run(stop); });
  SystemClock clock;
  Syncer syncer(queue, *schema, rules, sink, capture.from_ts, clock);
  const Result<void> replayed = syncer.run(upstream_threads.stop_token());
  upstream_threads.request_stop();
  TRY(upstream_threads.wait());
  TRY(replayed);
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
