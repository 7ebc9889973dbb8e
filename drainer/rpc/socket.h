#pragma once

#include <memory>
#include <span>
#include <string>

#include "drainer/base/bytes.h"
#include "drainer/base/file_descriptor.h"
#include "drainer/rpc/io_wait.h"
#include "drainer/rpc/tls.h"

namespace drainer::rpc {

class TlsSession;

/// What one attempt to read or write without waiting came to. Plain data.
struct IoStep {
  size_t bytes = 0;
  int16_t wait_for = 0;  ///< POLLIN or POLLOUT: nothing was possible until then

  /// Of a read: the peer has closed.
  bool ended() const { return bytes == 0 && wait_for == 0; }
};

/// A connected TCP socket, with or without TLS. One thread.
///
/// TCP_NODELAY, TCP keep-alive. Reading and writing never wait; wait() does.
class Socket {
 public:
  struct Peer {
    std::string host;
    uint16_t port = 0;
    const TlsContext* tls = nullptr;  ///< null: plain text
  };

  /// Looks the name up, tries its addresses in turn, does the TLS handshake with all its checks;
  /// all of it before the deadline. Errors: kUnavailable, kDenied (certificates), kStopped.
  static Result<std::unique_ptr<Socket>> connect(const Peer& peer, const IoLimits& limits);
  /// Takes over a connection that a listener has accepted; with `tls`, as the server of its
  /// handshake, which handshake() does. Never waits.
  static Result<std::unique_ptr<Socket>> accept(FileDescriptor fd, const TlsContext* tls);
  ~Socket();

  /// Goes on with the handshake of an accepted connection: 0 when done, or when there is none, else
  /// the poll event to wait for. kDenied, kUnavailable.
  Result<int16_t> handshake();

  Result<IoStep> try_read(std::span<char> buffer);
  Result<IoStep> try_write(ByteView bytes);

  /// Waits until try_read(), or if `for_write` try_write(), may get on. kTimeout, kStopped.
  Result<void> wait(bool for_write, const IoLimits& limits);

  /// For those who wait on many sockets at once: the descriptor, and the poll events after which
  /// try_read() or try_write() may get on.
  int fd() const { return fd_.get(); }
  int16_t read_events() const { return read_needs_; }
  int16_t write_events() const { return write_needs_; }

  /// Nothing more will be written; the peer may still send.
  void end_writing();

 private:
  Socket(FileDescriptor fd, IoWaiter waiter);
  Result<void> start_tls(const Peer& peer, const IoLimits& limits);

  FileDescriptor fd_;
  IoWaiter waiter_;
  std::unique_ptr<TlsSession> tls_;
  // TLS may have to write in order to read, and the reverse.
  int16_t read_needs_;
  int16_t write_needs_;
};

}  // namespace drainer::rpc
