#include "drainer/cluster/channels.h"

#include <google/protobuf/message_lite.h>

namespace drainer::cluster {

ChannelPool::ChannelPool(ChannelPoolOptions options, Clock& clock)
    : options_(std::move(options)), clock_(clock) {}

Result<rpc::GrpcChannel*> ChannelPool::at(const std::string& address) {
  MutexLock lock(mutex_);
  const auto known = channels_.find(address);
  if (known != channels_.end()) return known->second.get();

  ASSIGN_OR_RETURN(rpc::GrpcTarget target, rpc::parse_target(address));
  target.tls = options_.tls;
  target.connect_timeout = options_.connect_timeout;
  auto channel = options_.channels ? options_.channels(std::move(target))
                                   : rpc::GrpcChannel::create(std::move(target), clock_);
  return channels_.emplace(address, std::move(channel)).first->second.get();
}

Result<void> call_unary(rpc::GrpcChannel& channel, std::string_view method,
                        const google::protobuf::MessageLite& request,
                        google::protobuf::MessageLite& response, Duration timeout,
                        const StopToken& stop) {
  ASSIGN_OR_RETURN(const Bytes answer,
                   channel.unary(method, request.SerializeAsString(), timeout, stop));
  if (!response.ParseFromString(answer)) {
    return make_error(ErrorCode::kCorrupt, "answer of {} bytes cannot be decoded", answer.size())
        .because("{} at {}", method, channel.target().address());
  }
  return {};
}

Error about_server(Error error, std::string_view server, std::string_view address) {
  if (error.code() == ErrorCode::kStopped) return error;
  const bool is_silent =
      error.code() == ErrorCode::kUnavailable || error.code() == ErrorCode::kTimeout;
  const std::string_view verb = has_status(error, rpc::GrpcStatus::kUnavailable)
                                    ? "is not available"
                                : is_silent ? "does not answer"
                                            : "refuses";
  return std::move(error).because("{} at {} {}", server, address, verb);
}

}  // namespace drainer::cluster
