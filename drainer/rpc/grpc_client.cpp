#include "drainer/rpc/grpc_client.h"

#include "drainer/base/host_port.h"
#include "drainer/base/parse_number.h"
#include "drainer/rpc/grpc_call.h"

namespace drainer::rpc {

namespace {

Result<std::unique_ptr<Http2Connection>> connect(const GrpcTarget& target, IoLimits limits) {
  limits.deadline = std::min(limits.deadline, limits.clock.now() + target.connect_timeout);
  const Socket::Peer peer{.host = target.host, .port = target.port, .tls = target.tls.get()};
  ASSIGN_OR_RETURN(auto socket, Socket::connect(peer, limits));
  return Http2Connection::open(std::move(socket), target.window_bytes);
}

GrpcCall::Request make_request(const GrpcTarget& target, std::string_view method) {
  return {.method = std::string(method),
          .authority = target.address(),
          .tls = target.tls != nullptr,
          .message_bytes_max = target.message_bytes_max};
}

class Stream final : public GrpcStream {
 public:
  Stream(std::unique_ptr<Http2Connection> connection, GrpcCall::Request request,
         Duration receive_timeout, Clock& clock)
      : connection_(std::move(connection)),
        call_(*connection_, std::move(request)),
        receive_timeout_(receive_timeout),
        clock_(clock) {}

  Result<void> start(std::optional<ByteView> first_message, const StopToken& stop) {
    TRY(call_.start());
    if (first_message) TRY(call_.queue_message(*first_message));
    return call_.send_queued(limits(stop));
  }

  Result<void> send(ByteView message, const StopToken& stop) override {
    TRY(call_.queue_message(message));
    return call_.send_queued(limits(stop));
  }

  Result<void> finish_sending(const StopToken& stop) override {
    call_.queue_end();
    return call_.send_queued(limits(stop));
  }

  Result<std::optional<Bytes>> receive(const StopToken& stop) override {
    IoLimits receive_limits = limits(stop);
    if (receive_timeout_ > Duration::zero()) {
      receive_limits.deadline = clock_.now() + receive_timeout_;
    }
    return call_.receive(receive_limits);
  }
  bool has_message() const override { return call_.has_message(); }

 private:
  IoLimits limits(const StopToken& stop) const { return {.clock = clock_, .stop = stop}; }

  const std::unique_ptr<Http2Connection> connection_;
  GrpcCall call_;
  const Duration receive_timeout_;
  Clock& clock_;
};

class Channel final : public GrpcChannel {
 public:
  Channel(GrpcTarget target, Clock& clock) : target_(std::move(target)), clock_(clock) {}

  Result<Bytes> unary(std::string_view method, ByteView request, Duration timeout,
                      const StopToken& stop) override;
  Result<std::unique_ptr<GrpcStream>> open_stream(std::string_view method,
                                                  std::optional<ByteView> first_message,
                                                  StreamOptions options,
                                                  const StopToken& stop) override;
  const GrpcTarget& target() const override { return target_; }

 private:
  /// The right to use the connection, given back at the end of its life. So no lock is held while
  /// a call blocks, and those who wait for their turn heed their own limits.
  class Turn {
   public:
    explicit Turn(Channel& channel) : channel_(channel) {}
    ~Turn() { channel_.end_turn(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Channel& channel_;
  };

  Result<std::unique_ptr<Turn>> wait_turn(Duration timeout, const StopToken& stop) EXCLUDES(mutex_);
  void end_turn() EXCLUDES(mutex_);
  Result<Bytes> call(const GrpcCall::Request& request, ByteView message, const IoLimits& limits);

  const GrpcTarget target_;
  Clock& clock_;
  std::unique_ptr<Http2Connection> connection_;  ///< used by the holder of the Turn only

  Mutex mutex_;
  CondVar turn_ended_;
  bool taken_ GUARDED_BY(mutex_) = false;
};

Result<std::unique_ptr<Channel::Turn>> Channel::wait_turn(Duration timeout, const StopToken& stop) {
  MutexLock lock(mutex_);
  const bool free = turn_ended_.wait_for(mutex_, stop, timeout,
                                         [&]() NO_THREAD_SAFETY_ANALYSIS { return !taken_; });
  if (stop.stop_requested()) return stopped();
  if (!free) return make_error(ErrorCode::kTimeout, "timed out behind other calls");
  taken_ = true;
  return std::make_unique<Turn>(*this);
}

void Channel::end_turn() {
  MutexLock lock(mutex_);
  taken_ = false;
  turn_ended_.notify_all();
}

Result<Bytes> Channel::unary(std::string_view method, ByteView request, Duration timeout,
                             const StopToken& stop) {
  const IoLimits limits{.clock = clock_, .deadline = clock_.now() + timeout, .stop = stop};
  auto answer = [&]() -> Result<Bytes> {
    ASSIGN_OR_RETURN(const auto turn, wait_turn(timeout, stop));
    if (connection_ && !connection_->reusable()) connection_.reset();
    if (!connection_) {
      ASSIGN_OR_RETURN(connection_, connect(target_, limits));
    }
    GrpcCall::Request call_request = make_request(target_, method);
    call_request.timeout = limits.deadline - clock_.now();
    auto result = call(call_request, request, limits);
    // A cancelled call may mean a dead connection.
    if (!connection_->idle()) connection_.reset();
    return result;
  }();
  if (answer.ok()) return answer;
  return std::move(answer).error().because("{} at {}", method, target_.address());
}

Result<Bytes> Channel::call(const GrpcCall::Request& request, ByteView message,
                            const IoLimits& limits) {
  GrpcCall call(*connection_, request);
  TRY(call.start());
  TRY(call.queue_message(message));
  call.queue_end();
  ASSIGN_OR_RETURN(auto answer, call.receive(limits));
  if (!answer) return make_error(ErrorCode::kInternal, "answer without a message");
  ASSIGN_OR_RETURN(const auto more, call.receive(limits));
  if (more) return make_error(ErrorCode::kInternal, "answer with more than one message");
  return std::move(*answer);
}

Result<std::unique_ptr<GrpcStream>> Channel::open_stream(std::string_view method,
                                                         std::optional<ByteView> first_message,
                                                         StreamOptions options,
                                                         const StopToken& stop) {
  auto opened = [&]() -> Result<std::unique_ptr<GrpcStream>> {
    ASSIGN_OR_RETURN(auto connection, connect(target_, {.clock = clock_, .stop = stop}));
    GrpcCall::Request request = make_request(target_, method);
    request.gzip = options.gzip;
    auto stream = std::make_unique<Stream>(std::move(connection), std::move(request),
                                           options.receive_timeout, clock_);
    TRY(stream->start(first_message, stop));
    return std::unique_ptr<GrpcStream>(std::move(stream));
  }();
  if (opened.ok()) return opened;
  return std::move(opened).error().because("{} at {}", method, target_.address());
}

}  // namespace

std::string GrpcTarget::address() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", ipv6 ? "[" : "", host, ipv6 ? "]" : "", port);
}

Result<GrpcTarget> parse_target(std::string_view address) {
  const auto invalid = [address](std::string_view reason) {
    return make_error(ErrorCode::kInvalid, "address \"{}\": {}", address, reason);
  };
  std::string_view rest = address;
  if (const size_t colon = rest.find("://"); colon != std::string_view::npos) {
    const std::string_view scheme = rest.substr(0, colon);
    if (scheme == "unix" || scheme == "unixs") return invalid("unix sockets are not supported");
    if (scheme != "http" && scheme != "https") return invalid("scheme is neither http nor https");
    rest.remove_prefix(colon + 3);
  }
  if (rest.find('/') != std::string_view::npos) return invalid("path is not allowed");
  const auto divided = split_host_port(rest);
  if (!divided) return invalid("port is missing");
  const uint16_t port = parse_whole<uint16_t>(divided->port).value_or(0);
  if (port == 0) return invalid("bad port");
  if (!divided->has_brackets && divided->host.find(':') != std::string_view::npos) {
    return invalid("an IPv6 address needs brackets");
  }
  if (divided->host.empty()) return invalid("host is missing");
  GrpcTarget target;
  target.host = divided->host;
  target.port = port;
  return target;
}

std::unique_ptr<GrpcChannel> GrpcChannel::create(GrpcTarget target, Clock& clock) {
  return std::make_unique<Channel>(std::move(target), clock);
}

}  // namespace drainer::rpc
