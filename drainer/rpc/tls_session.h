#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "drainer/base/bytes.h"
#include "drainer/base/result.h"
#include "drainer/rpc/socket.h"
#include "drainer/rpc/tls.h"

struct ssl_st;

namespace drainer::rpc {

/// One side of TLS on a connected, non-blocking socket. One thread.
///
/// As the client verifies the chain, the host name or address against the SAN, and the allowed
/// common names. Offers ALPN h2 and accepts a server that selects nothing
/// (spec/upstream-protocols.md 2.4).
class TlsSession {
 public:
  /// `fd` stays the caller's and must outlive the session.
  static Result<std::unique_ptr<TlsSession>> create(const TlsContext& context,
                                                    const std::string& host, int fd);
  /// The server's side: TlsContext says what is asked of the client.
  static Result<std::unique_ptr<TlsSession>> create_server(const TlsContext& context, int fd);
  /// Says goodbye to the peer, if that needs no waiting.
  ~TlsSession();

  /// Goes on with the handshake: 0 when done, else the poll event to wait for. Errors: kDenied when
  /// the peer's certificate does not do, else kUnavailable.
  Result<int16_t> handshake();

  Result<IoStep> try_read(std::span<char> buffer);
  Result<IoStep> try_write(ByteView bytes);
  /// Tells the peer that we send no more, if that needs no waiting.
  void end_writing();

 private:
  struct SslDeleter {
    void operator()(ssl_st* ssl) const;
  };

  TlsSession(std::unique_ptr<ssl_st, SslDeleter> ssl,
             std::vector<std::string> allowed_common_names);
  static Result<std::unique_ptr<ssl_st, SslDeleter>> make_ssl(ssl_ctx_st* context, int fd);
  Result<void> check_common_names() const;
  Result<IoStep> failed(int result, std::string_view what);

  std::unique_ptr<ssl_st, SslDeleter> ssl_;
  const std::vector<std::string> allowed_common_names_;
  bool broken_ = false;
};

/// The oldest entry of this thread's OpenSSL error queue as text; empties the queue.
std::string take_openssl_error();

}  // namespace drainer::rpc
