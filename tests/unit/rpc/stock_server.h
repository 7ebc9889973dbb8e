#pragma once

#include <functional>
#include <memory>
#include <string>

#include "drainer/rpc/grpc_client.h"

namespace drainer::rpc {

/// One call at the stock server, as the handler of a test sees it. Blocking. One thread.
class ServerCall {
 public:
  virtual ~ServerCall() = default;

  /// The next message; nothing when the client sends no more or has gone.
  virtual std::optional<Bytes> read() = 0;
  /// Sends a message; returns when the peer's window had room for it. False: the call is dead.
  virtual bool write(ByteView message) = 0;
  /// Blocks until the call has been cancelled by the client.
  virtual void wait_cancelled() = 0;
};

/// How a handler ends its call.
struct ServerStatus {
  int code = 0;
  std::string message;
};

/// A gRPC C++ server, the independent peer of our client: any method, raw messages.
///
/// One thread per call. Stops, cancelling all calls, on destruction.
class StockServer {
 public:
  using Handler = std::function<ServerStatus(const std::string& method, ServerCall&)>;
  struct Options {
    uint16_t port = 0;  ///< 0: any
    bool gzip = false;  ///< compress answers
    /// PEM texts; empty: plain text.
    std::string certificate = {};
    std::string key = {};
    std::string client_ca = {};  ///< not empty: demand a client certificate
  };

  StockServer(Handler handler, Options options);
  explicit StockServer(Handler handler) : StockServer(std::move(handler), Options()) {}
  ~StockServer();

  uint16_t port() const;
  GrpcTarget target() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace drainer::rpc
