#pragma once

#include <map>
#include <memory>
#include <string>

#include "drainer/base/mutex.h"
#include "drainer/base/result.h"
#include "tests/upstream/http.h"

namespace drainer::upstream {

/// One listening TCP port for gRPC and HTTP/1, told apart by their first bytes.
///
/// It answers HTTP itself; gRPC connections go to the stock server, of which it keeps a second
/// descriptor so that it can cut them. One thread runs it; any thread may call the rest.
class Port {
 public:
  /// Gives a connection, a non-blocking descriptor, to the gRPC server.
  using GrpcHandler = std::function<void(int fd)>;

  /// Listens on 127.0.0.1-like `host`; port 0 is a free one.
  static Result<std::unique_ptr<Port>> open(const std::string& host, uint16_t port,
                                            GrpcHandler grpc, HttpHandler http);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  /// host:port, also while it does not listen.
  std::string address() const EXCLUDES(mutex_);

  /// Serves until `stop`.
  Result<void> run(StopToken stop);

  /// Refuses new connections from when this returns; the port stays ours.
  void close_listener() EXCLUDES(mutex_);
  /// Listens again, where it did before or on a free port.
  Result<void> reopen(bool move) EXCLUDES(mutex_);

  /// Cuts all connections but those of HTTP (a test's controls): the peer may lose what it has not
  /// read yet.
  void cut_all() EXCLUDES(mutex_);
  /// Sends no more on the connection that gRPC calls `peer`: it reads what came, then the end.
  void end(const std::string& peer) EXCLUDES(mutex_);

  struct Counts {
    size_t open_grpc = 0;
    size_t open_http = 0;
    size_t accepted = 0;
  };
  Counts counts() const EXCLUDES(mutex_);

 private:
  enum class State : uint8_t { kUndecided, kGrpc, kHttp };
  struct Connection {
    int fd = -1;  // of kGrpc: our second descriptor
    State state = State::kUndecided;
    std::string peer{};  // of kGrpc: gRPC's name of its descriptor
    Bytes input{};
    Bytes output{};
    bool last_answer = false;
  };

  Port(std::string host, GrpcHandler grpc, HttpHandler http, int wake_fd);

  Result<int> bind_socket(uint16_t port) const;
  void wake() const;
  void accept_all() EXCLUDES(mutex_);
  void serve(int fd, short events) EXCLUDES(mutex_);
  // False when the connection is over.
  bool decide(Connection& connection) EXCLUDES(mutex_);
  bool serve_http(Connection& connection) EXCLUDES(mutex_);

  const std::string host_;
  const GrpcHandler grpc_;
  const HttpHandler http_;
  const int wake_fd_;

  mutable Mutex mutex_;
  CondVar applied_;
  int listener_ GUARDED_BY(mutex_) = -1;
  bool listening_ GUARDED_BY(mutex_) = false;
  bool close_wanted_ GUARDED_BY(mutex_) = false;
  bool running_ GUARDED_BY(mutex_) = false;
  uint16_t number_ GUARDED_BY(mutex_) = 0;
  size_t accepted_ GUARDED_BY(mutex_) = 0;
  // By descriptor. Added, removed and changed by the running thread only; `state`, `peer` and `fd`
  // under the lock.
  std::map<int, std::unique_ptr<Connection>> connections_ GUARDED_BY(mutex_);
};

}  // namespace drainer::upstream
