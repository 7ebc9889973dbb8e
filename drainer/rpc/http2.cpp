#include "drainer/rpc/http2.h"

#include <algorithm>
#include <cstring>

#include "drainer/rpc/nghttp2_parts.h"

namespace drainer::rpc {

namespace {

/// Bytes per read of the socket. Fits the second-level cache, so that the copy into the message
/// finds them there.
constexpr size_t kInputBytes = 256 << 10;
/// Frames are gathered up to this size before they are written.
constexpr size_t kOutputBytes = 64 << 10;

}  // namespace

/// What nghttp2 calls while it reads and writes frames; all in the thread of our caller.
struct Http2Connection::Callbacks {
  static Http2Connection& self(void* user) { return *static_cast<Http2Connection*>(user); }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                       size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                       void* user) {
    Http2Connection& connection = self(user);
    if (connection.is_current(frame->hd.stream_id)) {
      connection.receiver_->on_field(to_view(name, name_size), to_view(value, value_size));
    }
    return 0;
  }

  static int on_data(nghttp2_session* session, uint8_t, int32_t stream_id, const uint8_t* data,
                     size_t size, void* user) {
    Http2Connection& connection = self(user);
    if (connection.is_current(stream_id)) {
      connection.receiver_->on_body(to_view(data, size));
    } else {
      check_call("consume", nghttp2_session_consume(session, stream_id, size));
    }
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Connection& connection = self(user);
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      const nghttp2_goaway& goaway = frame->goaway;
      connection.going_away_ = true;
      connection.remark_ =
          fmt::format("going away, {} \"{}\"", nghttp2_http2_strerror(goaway.error_code),
                      to_view(goaway.opaque_data, goaway.opaque_data_len));
    }
    const bool ends_stream =
        (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (ends_stream && connection.is_current(frame->hd.stream_id)) {
      connection.state_ = State::kEnded;
    }
    return 0;
  }

  static int on_stream_close(nghttp2_session*, int32_t stream_id, uint32_t code, void* user) {
    Http2Connection& connection = self(user);
    if (stream_id != connection.stream_id_) return 0;
    connection.stream_closed_ = true;
    if (connection.state_ != State::kOpen) return 0;
    connection.state_ = State::kEnded;
    connection.reset_ =
        make_error(ErrorCode::kUnavailable, "stream reset: {}{}{}", nghttp2_http2_strerror(code),
                   connection.remark_.empty() ? "" : ": ", connection.remark_);
    return 0;
  }

  static int on_error(nghttp2_session*, int, const char* text, size_t size, void* user) {
    self(user).remark_.assign(text, size);
    return 0;
  }

  static ssize_t read_body(nghttp2_session*, int32_t, uint8_t* buffer, size_t size, uint32_t* flags,
                           nghttp2_data_source*, void* user) {
    Http2Connection& connection = self(user);
    const size_t count = std::min(size, connection.body_.size() - connection.body_framed_);
    std::memcpy(buffer, connection.body_.data() + connection.body_framed_, count);
    connection.body_framed_ += count;
    if (connection.body_framed_ == connection.body_.size()) {
      connection.body_.clear();
      connection.body_framed_ = 0;
      if (connection.body_ended_) *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (count == 0 && !connection.body_ended_) return NGHTTP2_ERR_DEFERRED;
    }
    return static_cast<ssize_t>(count);
  }

  static nghttp2_session* make_session(Http2Connection& connection) {
    nghttp2_session_callbacks* callbacks = nullptr;
    check_call("callbacks", nghttp2_session_callbacks_new(&callbacks));
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_error_callback2(callbacks, on_error);
    nghttp2_option* option = nullptr;
    check_call("option", nghttp2_option_new(&option));
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_session* session = nullptr;
    const int result = nghttp2_session_client_new2(&session, callbacks, &connection, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    check_call("session", result);
    return session;
  }
};

void Http2Connection::SessionDeleter::operator()(nghttp2_session* session) const {
  nghttp2_session_del(session);
}

Http2Connection::Http2Connection(std::unique_ptr<Socket> socket)
    : socket_(std::move(socket)), session_(Callbacks::make_session(*this)), input_(kInputBytes) {}

std::unique_ptr<Http2Connection> Http2Connection::open(std::unique_ptr<Socket> socket,
                                                       int32_t window_bytes) {
  std::unique_ptr<Http2Connection> connection(new Http2Connection(std::move(socket)));
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<uint32_t>(window_bytes)}};
  nghttp2_session* session = connection->session_.get();
  check_call("settings",
             nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings)));
  check_call("window", nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE,
                                                             /*stream_id=*/0, window_bytes));
  return connection;
}

Http2Connection::~Http2Connection() {
  (void)flush();
}

bool Http2Connection::is_current(int32_t stream_id) const {
  return receiver_ != nullptr && state_ == State::kOpen && stream_id == stream_id_;
}

bool Http2Connection::reusable() {
  if (!idle()) return false;
  while (!failure_) {
    const auto progress = read_some();
    if (!progress.ok() || !*progress) break;
  }
  return flush().ok() && !write_error_ && !going_away_ &&
         nghttp2_session_check_request_allowed(session_.get()) != 0;
}

Result<void> Http2Connection::begin(std::span<const Http2Field> fields, Http2Receiver& receiver) {
  CHECK(receiver_ == nullptr, "an exchange is under way");
  std::vector<nghttp2_nv> list;
  for (const Http2Field& field : fields) list.push_back(to_nv(field.name, field.value));
  nghttp2_data_provider provider{.source = {}, .read_callback = Callbacks::read_body};
  stream_id_ = nghttp2_submit_request(session_.get(), /*pri_spec=*/nullptr, list.data(),
                                      list.size(), &provider, /*stream_user_data=*/nullptr);
  if (stream_id_ < 0) {
    return fail(make_error(ErrorCode::kUnavailable, "http2: {}", nghttp2_strerror(stream_id_)));
  }
  receiver_ = &receiver;
  state_ = State::kOpen;
  stream_closed_ = false;
  body_.clear();
  body_framed_ = 0;
  body_ended_ = false;
  reset_.reset();
  return {};
}

void Http2Connection::end_exchange() {
  if (receiver_ == nullptr) return;
  receiver_ = nullptr;
  state_ = State::kIdle;
  if (stream_closed_) return;
  check_call("reset", nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream_id_,
                                                NGHTTP2_CANCEL));
}

void Http2Connection::append_body(ByteView first, ByteView second) {
  body_.reserve(body_.size() + first.size() + second.size());
  body_.append(first).append(second);
  // Fails when nothing is deferred: then the body has not been asked for yet, or will be again.
  (void)nghttp2_session_resume_data(session_.get(), stream_id_);
}

void Http2Connection::end_body() {
  body_ended_ = true;
  (void)nghttp2_session_resume_data(session_.get(), stream_id_);
}

bool Http2Connection::sent() const {
  return output_.empty() && body_.empty();
}

void Http2Connection::collect_output() {
  while (output_.size() < kOutputBytes) {
    const uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_.get(), &data);
    check_call("send", size);
    if (size == 0) return;
    output_.append(to_view(data, static_cast<size_t>(size)));
  }
}

Result<void> Http2Connection::flush() {
  while (!failure_) {
    if (output_.empty()) collect_output();
    if (output_.empty() || write_error_) return {};
    auto step = socket_->try_write(ByteView(output_).substr(output_sent_));
    if (!step.ok()) {
      write_error_ = std::move(step).error();
      return {};
    }
    if (step->wait_for != 0) return {};
    output_sent_ += step->bytes;
    if (output_sent_ < output_.size()) continue;
    output_.clear();
    output_sent_ = 0;
  }
  return *failure_;
}

Result<bool> Http2Connection::read_some() {
  auto step = socket_->try_read(input_);
  if (!step.ok()) {
    TRY(fail(std::move(step).error()));
  }
  if (step->wait_for != 0) return false;
  if (step->ended()) {
    TRY(fail(make_error(ErrorCode::kUnavailable, "connection closed by peer{}{}",
                        remark_.empty() ? "" : ": ", remark_)));
  }
  const ssize_t used = nghttp2_session_mem_recv(
      session_.get(), reinterpret_cast<const uint8_t*>(input_.data()), step->bytes);
  if (used < 0) {
    TRY(fail(make_error(ErrorCode::kInternal, "http2: {}: {}",
                        nghttp2_strerror(static_cast<int>(used)), remark_)));
  }
  return true;
}

Result<void> Http2Connection::advance(const IoLimits& limits) {
  if (limits.stop.stop_requested()) return stopped();
  TRY(flush());
  TRY(check_session());
  ASSIGN_OR_RETURN(const bool progress, read_some());
  if (progress) return flush();
  if (write_error_) return fail(*write_error_);
  return socket_->wait(/*for_write=*/!output_.empty(), limits);
}

/// After a protocol error nghttp2 says GOAWAY and wants nothing more.
Result<void> Http2Connection::check_session() {
  if (state_ != State::kOpen || nghttp2_session_want_read(session_.get()) != 0) return {};
  return fail(
      make_error(ErrorCode::kInternal, "http2: {}", remark_.empty() ? "protocol error" : remark_));
}

Result<void> Http2Connection::fail(Error error) {
  if (!failure_) failure_ = std::move(error);
  return *failure_;
}

void Http2Connection::consume(size_t size_bytes) {
  check_call("consume", nghttp2_session_consume(session_.get(), stream_id_, size_bytes));
}

}  // namespace drainer::rpc
