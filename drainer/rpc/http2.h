#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drainer/rpc/socket.h"

struct nghttp2_session;

namespace drainer::rpc {

/// One header field. Plain data.
struct Http2Field {
  std::string_view name;
  std::string_view value;
};

/// Takes what the peer sends in one exchange; called from inside Http2Connection. One thread.
class Http2Receiver {
 public:
  virtual ~Http2Receiver() = default;

  /// A header or trailer field.
  virtual void on_field(std::string_view name, std::string_view value) = 0;
  /// The next bytes of the body; the view is good for this call only.
  virtual void on_body(ByteView data) = 0;
};

/// Client side of one HTTP/2 connection that carries one exchange (stream) at a time.
///
/// No thread of its own: everything happens in the calls of its user, so PINGs are answered while
/// someone calls advance(). The peer may send at most `window_bytes` of a body ahead of consume().
/// Errors end the connection, but for kTimeout and kStopped of a wait. One thread.
class Http2Connection {
 public:
  /// Queues the preface, SETTINGS and the window; what the peer sends first is not waited for.
  static std::unique_ptr<Http2Connection> open(std::unique_ptr<Socket> socket,
                                               int32_t window_bytes);
  ~Http2Connection();

  /// Whether begin() may be called: the last exchange was not cancelled, and the peer has neither
  /// closed the connection nor announced it. Reads what has come meanwhile, without waiting.
  bool reusable();

  /// Starts an exchange: queues its HEADERS. `receiver` must live until end_exchange() or the end
  /// of the connection.
  Result<void> begin(std::span<const Http2Field> fields, Http2Receiver& receiver);
  /// Cancels what is left of the exchange; the receiver is not called again.
  void end_exchange();
  /// Whether the last exchange, if any, was complete when it ended.
  bool idle() const { return receiver_ == nullptr && stream_closed_; }

  /// Queues bytes of the request's body.
  void append_body(ByteView first, ByteView second);
  /// The request's body ends with what is queued.
  void end_body();
  /// Whether all that was queued is with the kernel.
  bool sent() const;

  /// Writes what the socket takes, without waiting.
  Result<void> flush();
  /// Writes and reads what is possible; waits, if nothing is, until something has been done.
  Result<void> advance(const IoLimits& limits);

  /// The receiver is done with `size_bytes` of body: the peer may send as many more.
  void consume(size_t size_bytes);

  /// Whether more of the answer may come.
  bool receiving() const { return state_ == State::kOpen; }
  /// After the answer: why it was cut off by a reset; nothing if it came to its proper end.
  const std::optional<Error>& reset() const { return reset_; }

 private:
  enum class State : uint8_t { kIdle, kOpen, kEnded };
  struct Callbacks;
  struct SessionDeleter {
    void operator()(nghttp2_session* session) const;
  };

  explicit Http2Connection(std::unique_ptr<Socket> socket);
  bool is_current(int32_t stream_id) const;
  Result<bool> read_some();
  Result<void> check_session();
  Result<void> fail(Error error);
  void collect_output();

  const std::unique_ptr<Socket> socket_;
  std::unique_ptr<nghttp2_session, SessionDeleter> session_;
  std::vector<char> input_;
  Bytes output_;  ///< frames not yet written, from output_sent_ on
  size_t output_sent_ = 0;

  // The exchange.
  Http2Receiver* receiver_ = nullptr;
  State state_ = State::kIdle;
  int32_t stream_id_ = 0;
  bool stream_closed_ = true;  ///< by both sides
  Bytes body_;                 ///< request bytes not yet framed, from body_framed_ on
  size_t body_framed_ = 0;
  bool body_ended_ = false;
  std::optional<Error> reset_;

  // The connection's end.
  std::optional<Error> failure_;
  std::optional<Error> write_error_;  ///< the answer may be there to read nevertheless
  bool going_away_ = false;           ///< the peer has said so
  std::string remark_;  ///< for error texts: the peer's GOAWAY, or nghttp2's complaint
};

}  // namespace drainer::rpc
