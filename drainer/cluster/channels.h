#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "drainer/rpc/grpc_client.h"
#include "drainer/rpc/tls.h"

namespace google::protobuf {
class MessageLite;
}

namespace drainer::cluster {

/// Makes the link to one server. Empty stands for GrpcChannel::create; tests put a script here.
using ChannelFactory = std::function<std::unique_ptr<rpc::GrpcChannel>(rpc::GrpcTarget)>;

struct ChannelPoolOptions {
  ChannelFactory channels = {};
  std::shared_ptr<const rpc::TlsContext> tls = nullptr;
  Duration connect_timeout = std::chrono::seconds(5);
};

/// The links of one client, by address, each made at its first use.
///
/// A link stays until the pool goes, so that pointers remain good in all threads: a server that has
/// left costs one idle object. Any thread.
class ChannelPool {
 public:
  ChannelPool(ChannelPoolOptions options, Clock& clock);

  /// `address` is "host:port", with or without scheme; kInvalid when it is neither.
  Result<rpc::GrpcChannel*> at(const std::string& address) EXCLUDES(mutex_);

 private:
  const ChannelPoolOptions options_;
  Clock& clock_;

  Mutex mutex_;
  std::map<std::string, std::unique_ptr<rpc::GrpcChannel>> channels_ GUARDED_BY(mutex_);
};

/// One unary call with messages. Errors as GrpcChannel's; kCorrupt for an answer of other bytes.
Result<void> call_unary(rpc::GrpcChannel& channel, std::string_view method,
                        const google::protobuf::MessageLite& request,
                        google::protobuf::MessageLite& response, Duration timeout,
                        const StopToken& stop);

/// Adds "<server> at <address> does not answer", or "… refuses", as the error is.
Error about_server(Error error, std::string_view server, std::string_view address);

inline bool has_status(const Error& error, rpc::GrpcStatus status) {
  return error.detail() == static_cast<int32_t>(status);
}

}  // namespace drainer::cluster
