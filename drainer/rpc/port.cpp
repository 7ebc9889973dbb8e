#include "drainer/rpc/port.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "drainer/base/log.h"

namespace drainer::rpc {

namespace {

constexpr size_t kReadBytes = 16 << 10;
/// Steps that one connection may take before the others get their turn.
constexpr int kStepsInARow = 64;
/// After a failure to accept, for want of descriptors, which others must free.
constexpr Duration kAcceptPause = std::chrono::seconds(1);
constexpr int32_t kResourceExhausted = 8;

}  // namespace

/// One accepted connection.
struct Port::Connection {
  enum class Phase : uint8_t { kHandshake, kServing, kLingering };

  uint64_t id = 0;
  std::unique_ptr<Socket> socket;
  Phase phase = Phase::kHandshake;
  int16_t handshake_needs = 0;
  std::unique_ptr<PortSession> session = nullptr;  ///< null until the protocol is known
  Bytes first_bytes = {};
  Bytes output = {};  ///< not yet written, from `sent` on
  size_t sent = 0;
  bool ready = true;  ///< worth a look in this round
  bool closed = false;

  // What the deadline is for. It moves only with these, so that a slow client gains nothing by
  // sending a byte now and then.
  struct State {
    Phase phase = Phase::kHandshake;
    PortSession::Turn turn = PortSession::Turn::kPeer;
    bool writing = false;
    uint64_t answered = 0;

    friend bool operator==(const State&, const State&) = default;
  };
  State state = {};
  TimePoint since = {};  ///< of the state
  TimePoint deadline = {};

  bool has_output() const { return sent < output.size(); }
  State current_state() const {
    if (session == nullptr) return {.phase = phase};
    return {.phase = phase,
            .turn = session->turn(),
            .writing = has_output(),
            .answered = session->answered()};
  }
  bool is_idle() const {
    return phase == Phase::kServing && state.turn == PortSession::Turn::kIdle && !state.writing;
  }
  // While output waits, nothing is read: who does not listen shall not speak.
  int16_t events() const {
    if (phase == Phase::kHandshake) return handshake_needs;
    return has_output() ? socket->write_events() : socket->read_events();
  }
};

Port::Port(Options options, Clock& clock, std::unique_ptr<Listener> listener, IoWaiter waiter,
           FileDescriptor wake)
    : options_(std::move(options)),
      clock_(clock),
      listener_(std::move(listener)),
      wake_(std::move(wake)),
      waiter_(std::move(waiter)),
      calls_({.items = options_.limits.calls_waiting_max, .bytes = SIZE_MAX}) {}

Port::~Port() = default;

Result<std::unique_ptr<Port>> Port::open(Options options, Clock& clock, const StopToken& stop) {
  if (options.tls != nullptr) {
    ASSIGN_OR_RETURN([[maybe_unused]] const auto probe, options.tls->make_server_context());
  }
  const IoLimits limits{
      .clock = clock, .deadline = clock.now() + options.limits.request_time_max, .stop = stop};
  ASSIGN_OR_RETURN(auto listener, Listener::open(options.address, limits));
  ASSIGN_OR_RETURN(IoWaiter waiter, IoWaiter::open());
  FileDescriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return make_error(ErrorCode::kUnavailable, "eventfd: {}", std::strerror(errno));
  return std::unique_ptr<Port>(new Port(std::move(options), clock, std::move(listener),
                                        std::move(waiter), std::move(wake)));  // NOLINT: private
}

Result<void> Port::run(const StopToken& stop) {
  Result<void> result;
  while (result.ok()) {
    take_replies();
    for (const auto& connection : connections_) {
      if (connection->ready) serve(*connection);
      if (clock_.now() >= connection->deadline) connection->closed = true;
    }
    std::erase_if(connections_, [](const auto& connection) { return connection->closed; });
    result = wait(stop);
  }
  connections_.clear();
  calls_.close();
  return result;
}

Result<void> Port::run_calls(const StopToken& stop) {
  while (std::optional<CallToRun> next = calls_.pop(stop)) {
    GrpcReply reply = next->call.run(stop);
    {
      MutexLock lock(mutex_);
      done_.push_back(
          {.connection = next->connection, .call = next->call.id, .reply = std::move(reply)});
    }
    (void)::eventfd_write(wake_.get(), 1);
  }
  return {};
}

Result<void> Port::wait(const StopToken& stop) {
  std::vector<pollfd> polled;
  polled.push_back({.fd = wake_.get(), .events = POLLIN, .revents = 0});
  // A negative descriptor is passed over.
  polled.push_back({.fd = accepts() ? listener_->fd() : -1, .events = POLLIN, .revents = 0});
  IoLimits limits{.clock = clock_, .deadline = TimePoint::max(), .stop = stop};
  const TimePoint now = clock_.now();
  if (accept_again_at_ > now) limits.deadline = accept_again_at_;
  for (const auto& connection : connections_) {
    polled.push_back(
        {.fd = connection->socket->fd(), .events = connection->events(), .revents = 0});
    limits.deadline = std::min(limits.deadline, connection->ready ? now : connection->deadline);
  }
  const Result<void> waited = waiter_.wait_any(polled, limits);
  if (!waited.ok()) {
    return waited.error().code() == ErrorCode::kTimeout ? Result<void>() : waited.error();
  }
  size_t i = 2;
  for (const auto& connection : connections_) {
    connection->ready = connection->ready || polled[i].revents != 0;
    ++i;
  }
  if (polled[0].revents != 0) {
    eventfd_t count = 0;
    (void)::eventfd_read(wake_.get(), &count);
  }
  if (polled[1].revents != 0) accept_all();
  return {};
}

// A newcomer needs a free place, or one whose holder does nothing.
bool Port::accepts() const {
  const bool room = connections_.size() < options_.limits.connections_max ||
                    std::ranges::any_of(connections_, [](const auto& c) { return c->is_idle(); });
  return room && clock_.now() >= accept_again_at_;
}

void Port::accept_all() {
  while (accepts()) {
    Result<std::optional<FileDescriptor>> accepted = listener_->try_accept();
    if (!accepted.ok()) {
      log_warn("cannot accept connections for now", {{"error", accepted.error()}});
      accept_again_at_ = clock_.now() + kAcceptPause;
      return;
    }
    if (!accepted->has_value()) return;
    auto socket = Socket::accept(std::move(**accepted), options_.tls.get());
    if (!socket.ok()) {
      log_warn("cannot serve a connection", {{"error", socket.error()}});
      continue;
    }
    if (connections_.size() >= options_.limits.connections_max) close_longest_idle();
    auto& connection = connections_.emplace_back(std::make_unique<Connection>());
    connection->id = next_id_++;
    connection->socket = std::move(socket).value();
    connection->since = clock_.now();
    connection->deadline = connection->since + options_.limits.request_time_max;
  }
}

void Port::close_longest_idle() {
  auto oldest = connections_.end();
  for (auto it = connections_.begin(); it != connections_.end(); ++it) {
    if ((*it)->is_idle() && (oldest == connections_.end() || (*it)->since < (*oldest)->since)) {
      oldest = it;
    }
  }
  CHECK(oldest != connections_.end(), "no idle one of {} connections", connections_.size());
  connections_.erase(oldest);
}

void Port::serve(Connection& connection) {
  const Result<Progress> progress = advance(connection);
  if (!progress.ok()) {
    log_debug("connection to our port ends", {{"error", progress.error()}});
    connection.closed = true;
    return;
  }
  connection.closed = *progress == Progress::kDone;
  connection.ready = *progress == Progress::kMore;
  set_deadline(connection);
}

Result<Port::Progress> Port::advance(Connection& connection) {
  if (connection.phase == Connection::Phase::kHandshake) {
    ASSIGN_OR_RETURN(connection.handshake_needs, connection.socket->handshake());
    if (connection.handshake_needs != 0) return Progress::kWaiting;
    connection.phase = Connection::Phase::kServing;
  }
  for (int i = 0; i < kStepsInARow; ++i) {
    ASSIGN_OR_RETURN(const Progress progress, step(connection));
    if (progress != Progress::kMore) return progress;
  }
  return Progress::kMore;
}

// Output before input: an answer has gone before the next request is looked at.
Result<Port::Progress> Port::step(Connection& connection) {
  if (!connection.has_output() && connection.session != nullptr) {
    connection.output = connection.session->take_output();
    connection.sent = 0;
    if (hand_over_calls(connection)) return Progress::kMore;
  }
  if (connection.has_output()) return write_some(connection);
  const bool finished = connection.session != nullptr && connection.session->finished();
  if (finished && connection.phase == Connection::Phase::kServing) {
    // Closing with input unread would reset the connection, and our last words would be lost.
    connection.socket->end_writing();
    connection.phase = Connection::Phase::kLingering;
  }
  return read_some(connection);
}

Result<Port::Progress> Port::write_some(Connection& connection) {
  ASSIGN_OR_RETURN(const IoStep step, connection.socket->try_write(
                                          ByteView(connection.output).substr(connection.sent)));
  if (step.wait_for != 0) return Progress::kWaiting;
  connection.sent += step.bytes;
  return Progress::kMore;
}

Result<Port::Progress> Port::read_some(Connection& connection) {
  std::array<char, kReadBytes> buffer;
  ASSIGN_OR_RETURN(const IoStep step, connection.socket->try_read(buffer));
  if (step.wait_for != 0) return Progress::kWaiting;
  if (step.ended()) return Progress::kDone;
  if (connection.phase != Connection::Phase::kLingering) {
    TRY(receive(connection, ByteView(buffer.data(), step.bytes)));
  }
  return Progress::kMore;
}

Result<void> Port::receive(Connection& connection, ByteView bytes) {
  if (connection.session != nullptr) return connection.session->receive(bytes);
  connection.first_bytes += bytes;
  switch (tell_protocol(connection.first_bytes)) {
    case PortProtocol::kUndecided:
      return {};
    case PortProtocol::kUnknown:
      return make_error(ErrorCode::kInvalid, "neither HTTP/1 nor HTTP/2");
    case PortProtocol::kHttp1:
      connection.session = options_.make_http1();
      break;
    case PortProtocol::kHttp2:
      connection.session = open_http2_session(options_.methods, options_.http2_limits);
      break;
  }
  return connection.session->receive(std::exchange(connection.first_bytes, {}));
}

// Whether some were refused, so that their answers are there to be sent.
bool Port::hand_over_calls(Connection& connection) {
  bool refused = false;
  while (std::optional<PortCall> call = connection.session->take_call()) {
    const int32_t id = call->id;
    // A full queue is an answer too: this thread waits for nobody.
    const bool taken = calls_.size() < options_.limits.calls_waiting_max &&
                       calls_.push({.connection = connection.id, .call = std::move(*call)},
                                   /*size_bytes=*/0, StopToken());
    if (taken) continue;
    refused = true;
    connection.session->complete(
        id, {.messages = {}, .status = kResourceExhausted, .text = "too many calls are waiting"});
  }
  return refused;
}

void Port::set_deadline(Connection& connection) const {
  const Connection::State state = connection.current_state();
  if (state == connection.state) return;
  const PortLimits& limits = options_.limits;
  connection.state = state;
  connection.since = clock_.now();
  if (state.phase == Connection::Phase::kLingering) {
    connection.deadline = connection.since + limits.linger_time_max;
  } else if (state.writing) {
    connection.deadline = connection.since + limits.write_time_max;
  } else if (state.turn == PortSession::Turn::kIdle) {
    connection.deadline = connection.since + limits.idle_time_max;
  } else if (state.turn == PortSession::Turn::kPeer) {
    connection.deadline = connection.since + limits.request_time_max;
  } else {
    connection.deadline = TimePoint::max();
  }
}

void Port::take_replies() {
  std::vector<CallDone> done;
  {
    MutexLock lock(mutex_);
    done.swap(done_);
  }
  for (CallDone& one : done) {
    const auto found =
        std::ranges::find(connections_, one.connection, [](const auto& c) { return c->id; });
    if (found == connections_.end()) continue;  // the client has gone
    (*found)->session->complete(one.call, std::move(one.reply));
    (*found)->ready = true;
  }
}

}  // namespace drainer::rpc
