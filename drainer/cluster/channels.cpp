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
  Result<Bytes> answer = channel.unary(method, request.SerializeAsString(), timeout, stop);
  if (!answer.ok()) {
    return std::move(answer).error().because("call {} at {}", method, channel.target().address());
  }
  if (!response.ParseFromString(*answer)) {
    return make_error(ErrorCode::kCorrupt, "answer of {} bytes is no such message", answer->size())
        .because("call {} at {}", method, channel.target().address());
  }
  return {};
}

}  // namespace drainer::cluster
