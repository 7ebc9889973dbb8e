#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "drainer/rpc/port_session.h"

namespace drainer::rpc {

/// Answers one unary or server-streaming call; may block until `stop`. Any thread.
using GrpcMethod = std::function<GrpcReply(ByteView request, const StopToken& stop)>;
/// By path: "/package.Service/Method".
using GrpcMethods = std::map<std::string, GrpcMethod, std::less<>>;

/// What a client may do on one connection.
struct Http2Limits {
  uint32_t calls_max = 16;             ///< open at the same time
  uint32_t request_bytes_max = 65536;  ///< one message; ours are a few bytes
  uint32_t header_bytes_max = 16384;
};

/// gRPC over HTTP/2, the server's side of one connection. `methods` must outlive it. Requests are
/// one message each, plain or gzip. A request that is not gRPC ends the connection, as in the
/// original (spec/drainer-process.md 6.1, 6.3).
std::unique_ptr<PortSession> open_http2_session(const GrpcMethods& methods, Http2Limits limits);

}  // namespace drainer::rpc
