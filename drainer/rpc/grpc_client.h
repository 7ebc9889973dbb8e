#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "drainer/base/bytes.h"
#include "drainer/base/clock.h"
#include "drainer/base/mutex.h"
#include "drainer/base/result.h"
#include "drainer/rpc/tls.h"

namespace drainer::rpc {

/// How to reach one server. Plain data.
struct GrpcTarget {
  std::string host;
  uint16_t port = 0;
  /// Null: plain text. Shared because certificates are re-read by one owner for all links.
  std::shared_ptr<const TlsContext> tls;
  Duration connect_timeout = std::chrono::seconds(5);
  /// HTTP/2 receive window per stream and connection; large, since pumps send up to 2 GiB - 1.
  int32_t window_bytes = 16 << 20;
  /// Longest message accepted.
  uint32_t message_bytes_max = 0x7fffffff;

  /// "host:port", "[::1]:port".
  std::string address() const;
};

/// "host:port", "[::1]:port", "http://host:port", "https://host:port" to host (without brackets)
/// and port. kInvalid for anything else: other schemes (unix sockets), a path, no port.
Result<GrpcTarget> parse_target(std::string_view address);

/// gRPC status codes that callers tell apart; others come as their number in Error::detail().
enum class GrpcStatus : int32_t {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kUnimplemented = 12,
  kUnavailable = 14,
};

/// One call with a stream of messages in at least one direction, on a connection of its own.
///
/// One thread at a time. Destruction cancels the call and closes the connection.
class GrpcStream {
 public:
  virtual ~GrpcStream() = default;

  /// Sends one message; blocks while the peer's window is full.
  virtual Result<void> send(ByteView message, const StopToken& stop) = 0;
  /// No more messages from our side.
  virtual Result<void> finish_sending(const StopToken& stop) = 0;
  /// The next message, owned. Nothing when the peer ended the call with status OK; any other status
  /// is an Error with the status in detail(). Blocks without a deadline until `stop`.
  virtual Result<std::optional<Bytes>> receive(const StopToken& stop) = 0;
  /// The next message has arrived: receive() will not block.
  virtual bool has_message() const = 0;
};

/// Client of one gRPC server over HTTP/2, blocking (spec/upstream-protocols.md 2.4).
///
/// Unary calls share one connection, made at the first call and again after it broke or a call on
/// it was given up; they are serialized, any thread. Each stream has a connection of its own. Sends
/// HEADERS without waiting for the server's SETTINGS, offers ALPN h2 but accepts none, never sends
/// HTTP/2 PING, answers them.
class GrpcChannel {
 public:
  static std::unique_ptr<GrpcChannel> create(GrpcTarget target, Clock& clock);
  virtual ~GrpcChannel() = default;

  /// `method` is "/package.Service/Method". Errors: kUnavailable (no connection, or lost before an
  /// answer), kTimeout, kStopped, else by gRPC status with its number in detail(). A call is
  /// repeated once on a fresh connection only when the old one was found closed before anything was
  /// sent.
  virtual Result<Bytes> unary(std::string_view method, ByteView request, Duration timeout,
                              const StopToken& stop) = 0;

  struct StreamOptions {
    bool gzip = false;  ///< compress requests and ask for compressed answers (2.3)
    /// Longest wait of one receive(), kTimeout after it. Zero: no limit.
    Duration receive_timeout = Duration::zero();
  };
  /// Connects and opens a call; the first message, if any, is sent along.
  virtual Result<std::unique_ptr<GrpcStream>> open_stream(std::string_view method,
                                                          std::optional<ByteView> first_message,
                                                          StreamOptions options,
                                                          const StopToken& stop) = 0;

  virtual const GrpcTarget& target() const = 0;
};

}  // namespace drainer::rpc
