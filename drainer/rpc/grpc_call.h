#pragma once

#include <optional>
#include <string>

#include "drainer/rpc/grpc_client.h"
#include "drainer/rpc/grpc_message.h"
#include "drainer/rpc/http2.h"

namespace drainer::rpc {

/// One gRPC call as an exchange on an HTTP/2 connection. One thread.
///
/// The window for the peer opens by what the caller has taken: complete messages that wait here
/// hold it back, the bytes of a message under way do not while someone waits for it, so a message
/// may be larger than the window.
class GrpcCall final : private Http2Receiver {
 public:
  struct Request {
    std::string method;
    std::string authority;
    bool tls = false;
    bool gzip = false;
    std::optional<Duration> timeout = std::nullopt;  ///< told to the server
    uint32_t message_bytes_max = 0;                  ///< of an answer, also when unpacked
  };

  /// `connection` must outlive the call.
  GrpcCall(Http2Connection& connection, Request request);
  ~GrpcCall() override;

  /// Queues the headers.
  Result<void> start();
  /// As GrpcStream, but with limits. queue_*() leave the sending to the next call.
  Result<void> queue_message(ByteView message);
  void queue_end();
  Result<void> send_queued(const IoLimits& limits);
  Result<std::optional<Bytes>> receive(const IoLimits& limits);
  bool has_message() const { return assembler_.has_message(); }

 private:
  void on_field(std::string_view name, std::string_view value) override;
  void on_body(ByteView data) override;
  Result<Bytes> unpack(MessageAssembler::Message message) const;
  Result<std::optional<Bytes>> outcome() const;

  Http2Connection& connection_;
  const Request request_;
  MessageAssembler assembler_;
  std::optional<Error> body_error_;

  // Headers and trailers of the answer.
  int32_t http_status_ = 0;
  std::string content_type_;
  std::string encoding_;
  std::optional<int32_t> status_;
  std::string message_;
};

}  // namespace drainer::rpc
