#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/queue.h"
#include "drainer/rpc/http2_server.h"
#include "drainer/rpc/listener.h"
#include "drainer/rpc/socket.h"

namespace drainer::rpc {

/// What clients of the port may do.
struct PortLimits {
  size_t connections_max = 256;  ///< beyond it the longest idle one goes, else newcomers wait
  size_t calls_waiting_max = 64;
  Duration request_time_max = std::chrono::seconds(10);  ///< handshake and one whole request
  Duration write_time_max = std::chrono::seconds(30);    ///< one batch of output
  Duration idle_time_max = std::chrono::minutes(3);
  Duration linger_time_max = std::chrono::seconds(1);  ///< for the peer to read our last words
};

/// The TCP port that HTTP/1 and gRPC share, with or without TLS (spec/drainer-process.md 6.1).
///
/// Two threads: run() does all input and output, run_calls() the calls of gRPC, one after another.
/// The client's first bytes decide about the protocol, not ALPN. One thread may call each of them.
class Port {
 public:
  using SessionFactory = std::function<std::unique_ptr<PortSession>()>;
  struct Options {
    std::string address;                    ///< host:port; port 0: any
    std::shared_ptr<const TlsContext> tls;  ///< null: plain text
    SessionFactory make_http1;
    GrpcMethods methods;
    PortLimits limits = {};
    Http2Limits http2_limits = {};
  };

  /// Binds. Errors: kUnavailable with Go's text, kInvalid for TLS without a certificate.
  static Result<std::unique_ptr<Port>> open(Options options, Clock& clock, const StopToken& stop);
  ~Port();

  uint16_t port() const { return listener_->port(); }

  /// From now on connections come, which wait until run(); before that they are refused.
  Result<void> listen() { return listener_->listen(); }
  /// Serves until `stop`; then all connections are closed.
  Result<void> run(const StopToken& stop);
  Result<void> run_calls(const StopToken& stop);

 private:
  struct Connection;
  struct CallToRun {
    uint64_t connection;
    PortCall call;
  };
  struct CallDone {
    uint64_t connection;
    int32_t call;
    GrpcReply reply;
  };

  Port(Options options, Clock& clock, std::unique_ptr<Listener> listener, IoWaiter waiter,
       FileDescriptor wake);
  enum class Progress : uint8_t { kWaiting, kMore, kDone };

  Result<void> wait(const StopToken& stop);
  bool accepts() const;
  void accept_all();
  void close_longest_idle();
  void serve(Connection& connection);
  Result<Progress> advance(Connection& connection);
  Result<Progress> step(Connection& connection);
  Result<Progress> write_some(Connection& connection);
  Result<Progress> read_some(Connection& connection);
  Result<void> receive(Connection& connection, ByteView bytes);
  bool hand_over_calls(Connection& connection);
  void set_deadline(Connection& connection) const;
  void take_replies();

  // Constant after construction.
  const Options options_;
  Clock& clock_;
  const std::unique_ptr<Listener> listener_;
  const FileDescriptor wake_;  ///< eventfd: replies are there

  // Of the thread of run().
  IoWaiter waiter_;
  std::list<std::unique_ptr<Connection>> connections_;
  uint64_t next_id_ = 1;
  TimePoint accept_again_at_{};

  // Own locks.
  BoundedQueue<CallToRun> calls_;
  Mutex mutex_;
  std::vector<CallDone> done_ GUARDED_BY(mutex_);
};

}  // namespace drainer::rpc
