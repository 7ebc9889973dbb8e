#include "drainer/cluster/pd_tso.h"

#include "drainer/base/log.h"
#include "drainer/cluster/pd_retry.h"
#include "drainer/proto/pd.pb.h"

namespace drainer::cluster {

namespace {

constexpr Duration kSlow = std::chrono::milliseconds(30);

Result<CommitTs> parse_timestamp(ByteView message) {
  pdpb::TsoResponse response;
  if (!response.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
    return Error(ErrorCode::kCorrupt, "tso answer cannot be decoded");
  }
  if (response.header().error().type() != pdpb::OK) {
    return make_error(ErrorCode::kUnavailable, "PD refuses a timestamp: {}",
                      response.header().error().message());
  }
  if (response.count() != 1) {
    return Error(ErrorCode::kInternal, "tso length in rpc response is incorrect");
  }
  return make_commit_ts(response.timestamp().physical(), response.timestamp().logical());
}

}  // namespace

TsoStream::TsoStream(const PdOptions& options, PdMembers& members, ChannelPool& channels,
                     Clock& clock)
    : options_(options), members_(members), channels_(channels), clock_(clock) {}

Result<CommitTs> TsoStream::next(const StopToken& stop) {
  {
    MutexLock lock(mutex_);
    if (!freed_.wait(mutex_, stop, [&]() NO_THREAD_SAFETY_ANALYSIS { return !is_taken_; })) {
      return stopped();
    }
    is_taken_ = true;
  }
  Result<CommitTs> ts = ask_with_retries(stop);
  MutexLock lock(mutex_);
  is_taken_ = false;
  freed_.notify_one();
  return ts;
}

Result<CommitTs> TsoStream::ask_with_retries(const StopToken& stop) {
  PdRetry retry(members_, clock_, options_.tso_retry_time);
  while (true) {
    const TimePoint asked = clock_.now();
    Result<CommitTs> ts = ask(stop);
    if (ts.ok()) {
      const Duration taken = clock_.now() - asked;
      if (taken > kSlow) {
        log_warn("get timestamp too slow",
                 {{"take", fmt::format("{}ms", taken / std::chrono::milliseconds(1))}});
      }
      return ts;
    }
    stream_.reset();
    TRY(retry.after_call_error(
        about_server(std::move(ts).error(), "PD", stream_leader_).because("get timestamp"), stop));
  }
}

Result<CommitTs> TsoStream::ask(const StopToken& stop) {
  pdpb::TsoRequest request;
  request.mutable_header()->set_cluster_id(members_.cluster_id());
  request.set_count(1);
  request.set_dc_location("global");
  const Bytes message = request.SerializeAsString();

  std::string leader = members_.leader();
  if (leader != stream_leader_) stream_.reset();
  if (stream_) {
    TRY(stream_->send(message, stop));
  } else {
    stream_leader_ = std::move(leader);
    ASSIGN_OR_RETURN(rpc::GrpcChannel * channel, channels_.at(stream_leader_));
    ASSIGN_OR_RETURN(stream_,
                     channel->open_stream("/pdpb.PD/Tso", ByteView(message),
                                          {.receive_timeout = options_.call_timeout}, stop));
  }
  ASSIGN_OR_RETURN(const std::optional<Bytes> answer, stream_->receive(stop));
  if (!answer) return Error(ErrorCode::kUnavailable, "PD has ended the stream of timestamps");
  return parse_timestamp(*answer);
}

}  // namespace drainer::cluster
