#include "tests/upstream/grpc_headers.h"

#include "drainer/proto/binlog.grpc.pb.h"

#include "drainer/base/log.h"
#include "tests/upstream/call_gate.h"
#include "tests/upstream/services.h"

// Exported by libgrpc without a header: how the client compressed its request, which a Go pump
// takes for its answer (spec/upstream-protocols.md 2.3).
grpc_compression_algorithm grpc_call_test_only_get_compression_algorithm(grpc_call* call);

namespace drainer::upstream {

namespace {

using grpc::ServerContext;
using grpc::Status;

constexpr Duration kPoll = std::chrono::milliseconds(50);
constexpr Duration kGoodbye = std::chrono::seconds(1);
constexpr int64_t kFlushBytes = 64 << 10;
constexpr size_t kKeptBytesMax = size_t{1} << 20;  // of the buffer that a stream keeps

/// One PullBinlogs call.
class PullStream {
 public:
  PullStream(World& world, size_t pump, ServerContext& context,
             grpc::ServerWriter<binlog::PullBinlogResp>& writer)
      : world_(world),
        pump_(pump),
        node_(fmt::format("pump-{}", pump + 1)),
        counters_(world.counters[pump]),
        context_(context),
        writer_(writer) {}

  /// What ended the stream.
  enum class End : uint8_t { kGone, kCut, kOk, kError };

  End run(int64_t offset) {
    world_.feed.start();
    world_.meta_clock.note_served(offset, 0);
    last_ = offset;
    position_ = world_.feed.seek(pump_, offset);
    quiet_since_ = world_.clock.now();
    while (!context_.IsCancelled()) {
      if (counters_.pausing) return End::kOk;
      const TimePoint now = world_.clock.now();
      const bool at_end = world_.feed.at_end(pump_, position_);
      TimePoint next = at_end ? TimePoint::max() : world_.feed.due(pump_, position_);
      if (world_.faults.is_stalled(node_)) {
        world_.clock.sleep_for(kPoll, StopToken());
        continue;
      }
      if (const double rate = world_.faults.rate_limit(node_); rate > 0) {
        next = std::max(next, last_sent_ + std::chrono::duration_cast<Duration>(
                                               std::chrono::duration<double>(1 / rate)));
      }
      if (next <= now) {
        if (const auto end = send_record()) return *end;
      } else if (now - quiet_since_ >= world_.fake_interval) {
        if (!send_fake(at_end)) return End::kGone;
      } else {
        const TimePoint fake = quiet_since_ + world_.fake_interval;
        world_.clock.sleep_for(std::min({kPoll, next - now, fake - now}), StopToken());
      }
    }
    return End::kGone;
  }

 private:
  std::optional<End> send_record() {
    const Feed::Item item = world_.feed.item(pump_, position_);
    ByteView payload = item.payload;
    switch (verdict_ ? *std::exchange(verdict_, std::nullopt) : world_.faults.judge_record(node_)) {
      case RecordVerdict::kSend:
        break;
      case RecordVerdict::kCut:
        return End::kCut;
      case RecordVerdict::kEnd:
        return End::kOk;
      case RecordVerdict::kError:
        return End::kError;
      case RecordVerdict::kCorrupt:
        payload = "\xff\xff\xff";  // a field key that never ends
        break;
    }
    world_.feed.advance(pump_, position_);
    world_.meta_clock.note_served(item.commit_ts, item.ddl_job_id);
    last_sent_ = world_.clock.now();
    if (!write(payload, item.start_ts, item.commit_ts, follows_at_once())) return End::kGone;
    (item.is_fake ? counters_.fakes : counters_.records)++;
    return std::nullopt;
  }

  /// True if the next record goes out now, too: then gRPC may keep this one in its buffer.
  bool follows_at_once() {
    if (world_.feed.at_end(pump_, position_) || world_.faults.rate_limit(node_) > 0 ||
        world_.feed.due(pump_, position_) > last_sent_) {
      return false;
    }
    // What is in the buffer when the connection is cut would be lost.
    verdict_ = world_.faults.judge_record(node_);
    return *verdict_ == RecordVerdict::kSend;
  }

  bool send_fake(bool at_end) {
    quiet_since_ = world_.clock.now();
    const std::optional<int64_t> ts = at_end
                                          ? world_.feed.fake_ts_at_end(pump_, position_, world_.tso)
                                          : world_.feed.fake_ts(pump_, position_, last_);
    if (!ts || *ts <= last_) return true;
    binlog::Binlog fake;
    fake.set_tp(binlog::Rollback);
    fake.set_start_ts(*ts);
    fake.set_commit_ts(*ts);
    fake.set_ddl_job_id(0);
    fake.set_ddl_schema_state(0);
    counters_.fakes++;
    return write(fake.SerializeAsString(), *ts, *ts, /*more=*/false);
  }

  /// Sends one response as a pump does: an empty pos, the payload, the ts pair.
  bool write(ByteView payload, int64_t start_ts, int64_t commit_ts, bool more) {
    auto* entity = response_.mutable_entity();
    entity->mutable_pos();
    entity->mutable_payload()->assign(payload);
    entity->mutable_meta()->set_startts(start_ts);
    entity->mutable_meta()->set_committs(commit_ts);
    buffered_ += static_cast<int64_t>(payload.size());
    grpc::WriteOptions options;
    // The write that carries the headers may not be held back: it would never end.
    if (more && headers_sent_ && buffered_ < kFlushBytes) {
      options.set_buffer_hint();
    } else {
      buffered_ = 0;
    }
    if (!writer_.Write(response_, options)) return false;
    headers_sent_ = true;
    if (payload.size() > kKeptBytesMax) response_ = {};
    last_ = commit_ts;
    quiet_since_ = world_.clock.now();
    counters_.bytes += static_cast<int64_t>(payload.size());
    int64_t seen = counters_.max_commit_ts;
    while (seen < commit_ts && !counters_.max_commit_ts.compare_exchange_weak(seen, commit_ts)) {
    }
    return true;
  }

  World& world_;
  const size_t pump_;
  const std::string node_;
  PumpCounters& counters_;
  ServerContext& context_;
  grpc::ServerWriter<binlog::PullBinlogResp>& writer_;
  binlog::PullBinlogResp response_;
  Feed::Position position_;
  int64_t last_ = 0;
  std::optional<RecordVerdict> verdict_;  // of the record at position_, if asked for already
  int64_t buffered_ = 0;                  // bytes given to gRPC since the last flush
  bool headers_sent_ = false;
  TimePoint quiet_since_;
  TimePoint last_sent_;
};

class PumpService final : public binlog::Pump::Service {
 public:
  PumpService(World& world, size_t pump, EndConnection end)
      : world_(world), pump_(pump), node_(fmt::format("pump-{}", pump + 1)), end_(std::move(end)) {}

  Status PullBinlogs(ServerContext* context, const binlog::PullBinlogReq* request,
                     grpc::ServerWriter<binlog::PullBinlogResp>* writer) override {
    if (Status status = admit_call(world_, node_, *context); !status.ok()) return status;
    if (request->clusterid() != world_.cluster_id) {
      return {grpc::StatusCode::UNKNOWN, fmt::format("cluster ID are mismatch, {} vs {}",
                                                     request->clusterid(), world_.cluster_id)};
    }
    PumpCounters& counters = world_.counters[pump_];
    counters.gzip =
        grpc_call_test_only_get_compression_algorithm(context->c_call()) == GRPC_COMPRESS_GZIP;
    if (counters.gzip) context->set_compression_algorithm(GRPC_COMPRESS_GZIP);
    counters.pulls++;
    counters.streams++;
    const auto names = context->auth_context()->FindPropertyValues(GRPC_X509_CN_PROPERTY_NAME);
    counters.set_client(names.empty() ? "" : std::string(names[0].data(), names[0].size()));
    const int64_t offset = request->startfrom().offset();
    log_info("pull binlogs", {{"pump", node_}, {"offset", offset}});
    const auto end = PullStream(world_, pump_, *context, *writer).run(offset);
    counters.streams--;
    switch (end) {
      case PullStream::End::kGone:
        return Status::CANCELLED;
      case PullStream::End::kCut:
        end_(context->peer());
        // The client reads to the end and goes; a reset on our side would take its last records.
        hold_call(world_, kGoodbye, *context);
        return {grpc::StatusCode::UNAVAILABLE, "connection cut"};
      case PullStream::End::kOk:
        return Status::OK;
      case PullStream::End::kError:
        return {grpc::StatusCode::UNAVAILABLE, "scripted failure"};
    }
    return Status::OK;
  }

  /// TiDB's side is not simulated; an empty payload is its liveness probe.
  Status WriteBinlog(ServerContext* context, const binlog::WriteBinlogReq* request,
                     binlog::WriteBinlogResp* response) override {
    if (Status status = admit_call(world_, node_, *context); !status.ok()) return status;
    if (!request->payload().empty()) response->set_errmsg("a replay takes no binlogs");
    return Status::OK;
  }

 private:
  World& world_;
  const size_t pump_;
  const std::string node_;
  const EndConnection end_;
};

}  // namespace

Services make_pump_services(World& world, size_t pump, EndConnection end) {
  Services out;
  out.push_back(std::make_unique<PumpService>(world, pump, std::move(end)));
  return out;
}

}  // namespace drainer::upstream
