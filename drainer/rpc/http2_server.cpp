#include "drainer/rpc/http2_server.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>

#include <fmt/format.h>

#include "drainer/base/percent.h"
#include "drainer/rpc/grpc_message.h"
#include "drainer/rpc/grpc_status.h"
#include "drainer/rpc/gzip.h"
#include "drainer/rpc/nghttp2_parts.h"

namespace drainer::rpc {

namespace {

/// Frames are gathered up to this size before they are written.
constexpr size_t kOutputBytes = 64 << 10;

enum Status : int32_t {
  kInvalidArgument = 3,
  kResourceExhausted = 8,
  kUnimplementedStatus = 12,
  kInternalStatus = 13,
};

/// grpc-message: bytes outside of printable ASCII, and '%', as %XX.
std::string encode_message(std::string_view text) {
  std::string out;
  percent_encode(out, text, " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~");
  return out;
}

GrpcReply refusal(int32_t status, std::string text) {
  return {.messages = {}, .status = status, .text = std::move(text)};
}

/// One call. What of it the client has sent, and what of the answer has gone.
struct Call {
  std::string path;
  std::string content_type;
  std::string encoding;
  size_t header_bytes = 0;
  Bytes body;
  bool too_long = false;
  bool complete = false;  ///< the whole request is there
  bool answered = false;
  GrpcReply reply;
  Bytes answer;  ///< framed messages, from `sent` on
  size_t sent = 0;
};

class Http2Session final : public PortSession {
 public:
  Http2Session(const GrpcMethods& methods, Http2Limits limits);

  Result<void> receive(ByteView bytes) override;
  Bytes take_output() override;
  Turn turn() const override;
  uint64_t answered() const override { return answered_; }
  bool finished() const override;
  std::optional<PortCall> take_call() override;
  void complete(int32_t id, GrpcReply reply) override;

 private:
  struct Callbacks;
  struct SessionDeleter {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };

  Call* find(int32_t stream_id);
  void end_request(int32_t stream_id, Call& call);
  Result<Bytes> request_message(const Call& call) const;

  const GrpcMethods& methods_;
  const Http2Limits limits_;
  std::unique_ptr<nghttp2_session, SessionDeleter> session_;
  std::map<int32_t, Call> calls_;  ///< by stream
  std::deque<PortCall> to_run_;
  uint64_t answered_ = 0;
  std::optional<Error> failure_;
};

}  // namespace

/// What nghttp2 calls while it reads and writes frames.
struct Http2Session::Callbacks {
  static Http2Session& self(void* user) { return *static_cast<Http2Session*>(user); }

  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      self(user).calls_.try_emplace(frame->hd.stream_id);
    }
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                       size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                       void* user) {
    Call* call = self(user).find(frame->hd.stream_id);
    if (call == nullptr) return 0;
    call->header_bytes += name_size + value_size + 32;
    if (call->header_bytes > self(user).limits_.header_bytes_max) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    const std::string_view field = to_view(name, name_size);
    if (field == ":path") call->path = to_view(value, value_size);
    if (field == "content-type") call->content_type = to_view(value, value_size);
    if (field == "grpc-encoding") call->encoding = to_view(value, value_size);
    return 0;
  }

  static int on_data(nghttp2_session*, uint8_t, int32_t stream_id, const uint8_t* data, size_t size,
                     void* user) {
    Call* call = self(user).find(stream_id);
    if (call == nullptr) return 0;
    call->too_long =
        call->too_long ||
        call->body.size() + size > self(user).limits_.request_bytes_max + kMessagePrefixBytes;
    if (!call->too_long) call->body += to_view(data, size);
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Session& session = self(user);
    Call* call = session.find(frame->hd.stream_id);
    if (call == nullptr) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && call->content_type != "application/grpc" &&
        call->content_type != "application/grpc+proto") {
      session.failure_ =
          make_error(ErrorCode::kInvalid, "http/2 request that is not gRPC: {}", call->path);
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 || call->too_long) {
      session.end_request(frame->hd.stream_id, *call);
    }
    return 0;
  }

  static int on_stream_close(nghttp2_session*, int32_t stream_id, uint32_t, void* user) {
    Http2Session& session = self(user);
    const Call* call = session.find(stream_id);
    if (call != nullptr && call->answered) ++session.answered_;
    session.calls_.erase(stream_id);
    return 0;
  }

  static ssize_t read_answer(nghttp2_session* session, int32_t stream_id, uint8_t* buffer,
                             size_t size, uint32_t* flags, nghttp2_data_source*, void* user) {
    Call* call = self(user).find(stream_id);
    CHECK(call != nullptr, "answer of stream {}, which is closed", stream_id);
    const size_t count = std::min(size, call->answer.size() - call->sent);
    std::memcpy(buffer, call->answer.data() + call->sent, count);
    call->sent += count;
    if (call->sent < call->answer.size()) return static_cast<ssize_t>(count);
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    const std::string status = std::to_string(call->reply.status);
    const std::string text = encode_message(call->reply.text);
    const std::array trailers = {to_nv("grpc-status", status), to_nv("grpc-message", text)};
    check_call("trailer", nghttp2_submit_trailer(session, stream_id, trailers.data(),
                                                 text.empty() ? 1 : trailers.size()));
    return static_cast<ssize_t>(count);
  }

  static nghttp2_session* make_session(Http2Session& session) {
    nghttp2_session_callbacks* callbacks = nullptr;
    check_call("callbacks", nghttp2_session_callbacks_new(&callbacks));
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session* made = nullptr;
    const int result = nghttp2_session_server_new(&made, callbacks, &session);
    nghttp2_session_callbacks_del(callbacks);
    check_call("session", result);
    return made;
  }
};

namespace {

Http2Session::Http2Session(const GrpcMethods& methods, Http2Limits limits)
    : methods_(methods), limits_(limits), session_(Callbacks::make_session(*this)) {
  // gRPC clients wait for our SETTINGS before they send a request.
  const std::array settings = {
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits_.calls_max},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits_.header_bytes_max}};
  check_call("settings", nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings.data(),
                                                 settings.size()));
}

Result<void> Http2Session::receive(ByteView bytes) {
  const ssize_t used = nghttp2_session_mem_recv(
      session_.get(), reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (failure_) return *failure_;
  if (used < 0) {
    return make_error(ErrorCode::kCorrupt, "http/2: {}", nghttp2_strerror(static_cast<int>(used)));
  }
  return {};
}

Bytes Http2Session::take_output() {
  Bytes out;
  while (out.size() < kOutputBytes) {
    const uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_.get(), &data);
    if (size <= 0) break;
    out += to_view(data, static_cast<size_t>(size));
  }
  return out;
}

PortSession::Turn Http2Session::turn() const {
  if (nghttp2_session_want_write(session_.get()) != 0) return Turn::kUs;
  const auto incomplete = [](const auto& entry) { return !entry.second.complete; };
  if (std::ranges::any_of(calls_, incomplete)) return Turn::kPeer;
  // A client that does not open its window for an answer is slow too.
  const auto stuck = [](const auto& entry) { return entry.second.answered; };
  if (std::ranges::any_of(calls_, stuck)) return Turn::kPeer;
  return calls_.empty() ? Turn::kIdle : Turn::kUs;
}

bool Http2Session::finished() const {
  return nghttp2_session_want_read(session_.get()) == 0 &&
         nghttp2_session_want_write(session_.get()) == 0;
}

std::optional<PortCall> Http2Session::take_call() {
  if (to_run_.empty()) return std::nullopt;
  PortCall call = std::move(to_run_.front());
  to_run_.pop_front();
  return call;
}

void Http2Session::complete(int32_t id, GrpcReply reply) {
  Call* call = find(id);
  if (call == nullptr || call->answered) return;  // the client has given up
  call->answered = true;
  call->reply = std::move(reply);
  for (const Bytes& message : call->reply.messages) {
    const auto prefix = message_prefix(/*compressed=*/false, static_cast<uint32_t>(message.size()));
    call->answer.append(prefix.data(), prefix.size());
    call->answer += message;
  }
  const std::array fields = {to_nv(":status", "200"), to_nv("content-type", "application/grpc")};
  nghttp2_data_provider body{};
  body.read_callback = Callbacks::read_answer;
  check_call("response",
             nghttp2_submit_response(session_.get(), id, fields.data(), fields.size(), &body));
}

Call* Http2Session::find(int32_t stream_id) {
  const auto found = calls_.find(stream_id);
  return found == calls_.end() ? nullptr : &found->second;
}

void Http2Session::end_request(int32_t stream_id, Call& call) {
  if (call.complete) return;
  call.complete = true;
  const auto method = methods_.find(call.path);
  if (method == methods_.end()) {
    return complete(stream_id, refusal(kUnimplementedStatus, "unknown method " + call.path));
  }
  if (call.too_long) {
    return complete(stream_id, refusal(kResourceExhausted,
                                       fmt::format("grpc: received message larger than max ({})",
                                                   limits_.request_bytes_max)));
  }
  Result<Bytes> message = request_message(call);
  if (!message.ok()) {
    const bool unsupported = message.error().code() == ErrorCode::kUnsupported;
    return complete(stream_id, refusal(unsupported ? kUnimplementedStatus : kInternalStatus,
                                       message.error().to_string()));
  }
  to_run_.push_back({.id = stream_id,
                     .run = [run = method->second, request = std::move(message).value()](
                                const StopToken& stop) { return run(request, stop); }});
}

Result<Bytes> Http2Session::request_message(const Call& call) const {
  MessageAssembler assembler(limits_.request_bytes_max);
  TRY(assembler.append(call.body));
  std::optional<MessageAssembler::Message> message = assembler.take();
  if (!message || assembler.take() || !assembler.between_messages()) {
    return make_error(ErrorCode::kCorrupt, "grpc: request is not exactly one message");
  }
  if (!message->compressed) return std::move(message->payload);
  if (call.encoding != "gzip") {
    return make_error(ErrorCode::kUnsupported,
                      "grpc: Decompressor is not installed for grpc-encoding \"{}\"",
                      call.encoding);
  }
  return gunzip(message->payload, limits_.request_bytes_max);
}

}  // namespace

std::unique_ptr<PortSession> open_http2_session(const GrpcMethods& methods, Http2Limits limits) {
  return std::make_unique<Http2Session>(methods, limits);
}

}  // namespace drainer::rpc
