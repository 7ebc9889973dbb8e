#include "drainer/rpc/grpc_call.h"

#include <limits>
#include <vector>

#include "drainer/base/parse_number.h"
#include "drainer/rpc/grpc_status.h"
#include "drainer/rpc/gzip.h"

namespace drainer::rpc {

namespace {

constexpr std::string_view kContentType = "application/grpc";
constexpr std::string_view kUserAgent = "drainer-cpp/0.1";

/// The grpc-timeout header: at most 8 digits and a unit. Rounded up, so that the server does not
/// give up before we do.
std::string timeout_text(Duration timeout) {
  constexpr int64_t kDigitsMax = 99'999'999;
  const int64_t ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  if (ms <= kDigitsMax) return fmt::format("{}m", std::max<int64_t>(ms, 1));
  const int64_t seconds = (ms + 999) / 1000;
  return fmt::format("{}S", std::min(seconds, kDigitsMax));
}

}  // namespace

GrpcCall::GrpcCall(Http2Connection& connection, Request request)
    : connection_(connection),
      request_(std::move(request)),
      assembler_(request_.message_bytes_max) {}

GrpcCall::~GrpcCall() {
  connection_.end_exchange();
}

Result<void> GrpcCall::start() {
  const std::string timeout = request_.timeout ? timeout_text(*request_.timeout) : std::string();
  // Pumps look for exactly this content type in the first frames (spec/upstream-protocols.md 2.4).
  std::vector<Http2Field> fields = {
      {":method", "POST"},
      {":scheme", request_.tls ? "https" : "http"},
      {":path", request_.method},
      {":authority", request_.authority},
      {"content-type", kContentType},
      {"user-agent", kUserAgent},
      {"te", "trailers"},
  };
  if (request_.timeout) fields.push_back({"grpc-timeout", timeout});
  if (request_.gzip) {
    fields.push_back({"grpc-encoding", "gzip"});
    fields.push_back({"grpc-accept-encoding", "gzip"});
  }
  return connection_.begin(fields, *this);
}

Result<void> GrpcCall::queue_message(ByteView message) {
  const Bytes packed = request_.gzip ? gzip(message) : Bytes();
  if (request_.gzip) message = packed;
  if (message.size() > std::numeric_limits<uint32_t>::max()) {
    return make_error(ErrorCode::kInvalid, "message of {} bytes cannot be sent", message.size());
  }
  const auto prefix = message_prefix(request_.gzip, static_cast<uint32_t>(message.size()));
  connection_.append_body(ByteView(prefix.data(), prefix.size()), message);
  return {};
}

void GrpcCall::queue_end() {
  connection_.end_body();
}

Result<void> GrpcCall::send_queued(const IoLimits& limits) {
  TRY(connection_.flush());
  while (!connection_.sent()) {
    if (!connection_.receiving()) {
      ASSIGN_OR_RETURN([[maybe_unused]] const auto end, outcome());
      return make_error(ErrorCode::kUnavailable, "peer has ended the call");
    }
    TRY(connection_.advance(limits));
  }
  return {};
}

Result<std::optional<Bytes>> GrpcCall::receive(const IoLimits& limits) {
  while (true) {
    if (auto message = assembler_.take()) {
      connection_.consume(message->body_bytes);
      // Lets the peer go on sending while the caller works; a failure shows later.
      (void)connection_.flush();
      ASSIGN_OR_RETURN(Bytes payload, unpack(std::move(*message)));
      return std::optional<Bytes>(std::move(payload));
    }
    if (body_error_) return *body_error_;
    if (!connection_.receiving()) return outcome();
    connection_.consume(assembler_.take_partial_bytes());
    TRY(connection_.advance(limits));
  }
}

void GrpcCall::on_field(std::string_view name, std::string_view value) {
  if (name == ":status") {
    http_status_ = parse_whole<int32_t>(value).value_or(0);
  } else if (name == "content-type") {
    content_type_ = value;
  } else if (name == "grpc-encoding") {
    encoding_ = value;
  } else if (name == "grpc-status") {
    status_ = parse_whole<int32_t>(value).value_or(static_cast<int32_t>(GrpcStatus::kUnknown));
  } else if (name == "grpc-message") {
    message_ = decode_message(value);
  }
}

void GrpcCall::on_body(ByteView data) {
  if (body_error_) return;
  // What comes with an answer that is not gRPC's is for nobody.
  if (!content_type_.starts_with(kContentType)) return connection_.consume(data.size());
  auto appended = assembler_.append(data);
  if (!appended.ok()) body_error_ = std::move(appended).error();
}

Result<Bytes> GrpcCall::unpack(MessageAssembler::Message message) const {
  if (!message.compressed) return std::move(message.payload);
  if (encoding_.empty() || encoding_ == "identity") {
    return make_error(ErrorCode::kInternal, "compressed message without grpc-encoding");
  }
  if (encoding_ != "gzip") {
    return make_error(ErrorCode::kUnsupported, "unknown grpc-encoding \"{}\"", encoding_);
  }
  return gunzip(message.payload, request_.message_bytes_max);
}

/// What the ended answer means; nothing if it ended with status OK.
Result<std::optional<Bytes>> GrpcCall::outcome() const {
  if (status_ && *status_ != 0) return status_error(*status_, message_);
  if (!status_) {
    if (connection_.reset()) return *connection_.reset();
    if (http_status_ != 200) {
      return status_error(status_of_http(http_status_),
                          fmt::format("unexpected HTTP status {}", http_status_));
    }
    if (!content_type_.starts_with(kContentType)) {
      return status_error(static_cast<int32_t>(GrpcStatus::kUnknown),
                          fmt::format("unexpected content-type \"{}\"", content_type_));
    }
    return make_error(ErrorCode::kUnavailable, "peer ended the call without a status");
  }
  if (!assembler_.between_messages()) {
    return make_error(ErrorCode::kInternal, "peer ended the call within a message");
  }
  return std::optional<Bytes>();
}

}  // namespace drainer::rpc
