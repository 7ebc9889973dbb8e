#include "pump_client/pump_stream.h"

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"
#include "pump_client/pull_message.h"

#include <utility>

#include <fmt/chrono.h>

namespace drainer {

namespace {

constexpr size_t kBigPayloadBytes = 10u << 20;
// What arrives together is handed over together, since each time wakes the merger's thread; as long
// as it is little, since what is gathered here is in no one's limit.
constexpr size_t kItemsTogether = 64;
constexpr size_t kBytesTogether = 256u << 10;
constexpr Duration kLogPause = std::chrono::seconds(10);
// An idle pump writes a fake binlog every three seconds.
constexpr int64_t kGapMsMin = int64_t{3600} * 1000;

std::string utc_text(CommitTs ts) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC",
                     fmt::gmtime(static_cast<std::time_t>(physical_ms(ts) / 1000)));
}

}  // namespace

Counter& pump_gaps() {
  static Counter& counter = metrics().counter(
      "drainer_pump_gaps_total",
      "Times that a pump began more than an hour after what it was asked for, or went offline with "
      "more than it had sent: binlogs may be missing.");
  return counter;
}

PumpStream::PumpStream(PumpId id, std::string host, CommitTs start,
                       const PumpStreamOptions& options, Merger& merger, Clock& clock)
    : id_(std::move(id)),
      options_(options),
      merger_(merger),
      clock_(clock),
      received_bytes_(metric::read_binlog_size(id_.value)),
      reach_seconds_(metric::binlog_reach_duration_time(id_.value)),
      host_(std::move(host)),
      position_(start) {}

Result<void> PumpStream::run(const StopToken& stop) {
  Result<void> result = run_until(stop);
  has_ended_.store(true, std::memory_order_release);
  return result;
}

Result<void> PumpStream::run_until(const StopToken& stop) {
  const std::stop_callback follow_group(stop, [this] { stop_.request_stop(); });
  const StopToken own_stop = stop_.get_token();
  while (!own_stop.stop_requested()) {
    bool paused;
    {
      MutexLock lock(mutex_);
      paused = is_paused_;
    }
    if (!paused) {
      const Result<void> pulled = pull(own_stop);
      if (own_stop.stop_requested()) break;
      if (!pulled.ok()) {
        if (pulled.error().code() == ErrorCode::kCorrupt) {
          return Error(pulled.error()).because("pump {}", id_);
        }
        log_broken(pulled.error());
      }
    }
    if (!clock_.sleep_for(options_.reconnect_pause, own_stop)) break;
  }
  log_info("pump is closing", {{"id", id_}});
  return {};
}

Result<void> PumpStream::pull(const StopToken& stop) {
  std::string host;
  CommitTs position;
  StopToken connection_stop;
  {
    MutexLock lock(mutex_);
    connection_ = StopSource();
    connection_stop = connection_.get_token();
    host = host_;
    position = position_;
  }
  const std::stop_callback follow_stream(stop, [this] {
    MutexLock lock(mutex_);
    connection_.request_stop();
  });
  ASSIGN_OR_RETURN(rpc::GrpcTarget target, rpc::parse_target(host));
  target.tls = options_.tls;
  const std::unique_ptr<rpc::GrpcChannel> channel = options_.make_channel(std::move(target));
  log_info("pump create pull binlogs client", {{"id", id_}, {"host", host}, {"last ts", position}});
  asked_for_ = position;
  const Bytes request = encode_pull_request(options_.cluster_id, position);
  ASSIGN_OR_RETURN(const std::unique_ptr<rpc::GrpcStream> stream,
                   channel->open_stream("/binlog.Pump/PullBinlogs", ByteView(request),
                                        {.gzip = options_.gzip}, connection_stop));
  while (true) TRY(receive(*stream, connection_stop, stop));
}

Result<void> PumpStream::receive(rpc::GrpcStream& stream, const StopToken& connection_stop,
                                 const StopToken& stop) {
  std::vector<tidb::BinlogItem> items;
  size_t bytes = 0;
  Result<void> outcome;
  do {
    auto message = stream.receive(connection_stop);
    if (!message.ok()) {
      outcome = std::move(message).error();
    } else if (!*message) {
      outcome = make_error(ErrorCode::kUnavailable, "the pump ended the stream");
    } else if (auto item = parse(*std::move(*message),
                                 items.empty() ? position() : items.back().binlog().commit_ts);
               item.ok()) {
      if (asked_for_) check_gap(item->binlog().commit_ts);
      bytes += item->size_bytes();
      items.push_back(std::move(item).value());
    } else {
      outcome = std::move(item).error();
    }
  } while (outcome.ok() && items.size() < kItemsTogether && bytes < kBytesTogether &&
           stream.has_message());
  TRY(hand_over(std::move(items), stop));
  return outcome;
}

Result<tidb::BinlogItem> PumpStream::parse(Bytes message, CommitTs after) const {
  ASSIGN_OR_RETURN(const PayloadRange range, find_payload(message));
  Result<tidb::BinlogItem> parsed =
      tidb::BinlogItem::parse(std::move(message), range.offset, range.length);
  if (!parsed.ok()) {
    metric::error_count("unmarshal_binlog").add();
    return std::move(parsed).error().because("unmarshal binlog after commit ts {}", after);
  }
  tidb::BinlogItem item = std::move(parsed).value();
  const CommitTs commit_ts = item.binlog().commit_ts;
  received_bytes_.observe(static_cast<double>(range.length));
  item.set_received_unix_ms(clock_.unix_ms());
  reach_seconds_.observe(static_cast<double>(item.received_unix_ms() - physical_ms(commit_ts)) /
                         1000);
  if (range.length >= kBigPayloadBytes) {
    log_info("receive big size binlog before unmarshal", {{"id", id_},
                                                          {"size", range.length},
                                                          {"start ts", item.binlog().start_ts},
                                                          {"commit ts", commit_ts}});
  }
  return item;
}

Result<void> PumpStream::hand_over(std::vector<tidb::BinlogItem> items, const StopToken& stop) {
  CommitTs last = position();
  for (const tidb::BinlogItem& item : items) {
    const CommitTs commit_ts = item.binlog().commit_ts;
    if (commit_ts > last) {
      last = commit_ts;
    } else {
      log_error("pump receive unsort binlog",
                {{"id", id_}, {"commit ts", commit_ts}, {"last ts", last}});
    }
  }
  if (!merger_.offer(id_, std::move(items), stop)) {
    return make_error(ErrorCode::kStopped, "the merger takes no more of pump {}", id_);
  }
  MutexLock lock(mutex_);
  position_ = last;
  return {};
}

void PumpStream::check_gap(CommitTs first) {
  const CommitTs asked_for = *std::exchange(asked_for_, std::nullopt);
  if (asked_for.value <= 0 || physical_ms(first) - physical_ms(asked_for) <= kGapMsMin) return;
  pump_gaps().add();
  log_error(
      "binlogs may be missing: the pump begins much later than it was asked to, and its GC may "
      "have removed what lay between; not so if it was down in that time, or is new",
      {{"id", id_},
       {"from", utc_text(asked_for)},
       {"to", utc_text(first)},
       {"from ts", asked_for},
       {"to ts", first}});
}

void PumpStream::log_broken(const Error& error) {
  const TimePoint now = clock_.now();
  if (last_logged_ != TimePoint{} && now - last_logged_ < kLogPause) return;
  last_logged_ = now;
  log_error("pump receive binlog failed", {{"id", id_}, {"error", error}});
}

void PumpStream::set_host(const std::string& host) {
  MutexLock lock(mutex_);
  if (host_ == host) return;
  log_info("pump has another address", {{"id", id_}, {"old", host_}, {"new", host}});
  host_ = host;
  connection_.request_stop();
}

void PumpStream::set_paused(bool paused) {
  MutexLock lock(mutex_);
  if (is_paused_ == paused) return;
  is_paused_ = paused;
  log_info(paused ? "pump pause pull binlog" : "pump continue pull binlog", {{"id", id_}});
}

CommitTs PumpStream::position() const {
  MutexLock lock(mutex_);
  return position_;
}

}  // namespace drainer
