#include "syncer/kafka/broker_lookup.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "drainer/base/host_port.h"
#include "drainer/base/log.h"
#include "drainer/base/parse_number.h"
#include "drainer/rpc/socket.h"
#include "drainer/tidb/json_reader.h"

namespace drainer::kafka {

namespace {

constexpr Duration kDialTimeout = std::chrono::seconds(5);
constexpr Duration kReplyTimeout = std::chrono::seconds(60);
constexpr uint32_t kSessionTimeoutMs = 60'000;
constexpr size_t kReplyBytesMax = 4u << 20;

// Operations of ZooKeeper, and the xids of frames that answer nothing.
constexpr int32_t kGetData = 4;
constexpr int32_t kGetChildren2 = 12;
constexpr int32_t kClose = -11;
constexpr int32_t kWatchXid = -1;
constexpr int32_t kPingXid = -2;

void append_int32(Bytes& out, int32_t value) {
  append_be32(out, static_cast<uint32_t>(value));
}

void append_string(Bytes& out, ByteView text) {
  append_be32(out, static_cast<uint32_t>(text.size()));
  out.append(text);
}

// Takes numbers and strings off a reply; a short reply yields zeros and is not ok().
class ReplyReader {
 public:
  explicit ReplyReader(ByteView bytes) : rest_(bytes) {}

  int32_t take_int32() {
    uint32_t value = 0;
    for (const char byte : take(4)) value = value << 8 | static_cast<uint8_t>(byte);
    return static_cast<int32_t>(value);
  }
  void skip_int64() { (void)take(8); }
  ByteView take_string() {
    const int32_t size = take_int32();
    return size <= 0 ? ByteView() : take(static_cast<size_t>(size));
  }
  bool ok() const { return ok_; }

 private:
  ByteView take(size_t bytes) {
    if (bytes > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const ByteView out = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return out;
  }

  ByteView rest_;
  bool ok_ = true;
};

// A session with one ZooKeeper server. One thread.
class ZookeeperSession {
 public:
  static Result<ZookeeperSession> open(const ZookeeperAddress::Server& server, Clock& clock,
                                       const StopToken& stop) {
    rpc::IoLimits limits{clock, clock.now() + kDialTimeout, stop};
    ASSIGN_OR_RETURN(auto socket,
                     rpc::Socket::connect({.host = server.host, .port = server.port}, limits));
    ZookeeperSession session(std::move(socket), clock, stop);
    TRY(session.start());
    return session;
  }

  Result<std::vector<std::string>> children(const std::string& path) {
    ASSIGN_OR_RETURN(const Bytes reply, call(kGetChildren2, path));
    ReplyReader reader(reply);
    std::vector<std::string> out;
    for (int32_t count = reader.take_int32(); count > 0 && reader.ok(); --count) {
      out.emplace_back(reader.take_string());
    }
    if (!reader.ok()) return short_reply();
    return out;
  }

  Result<Bytes> data(const std::string& path) {
    ASSIGN_OR_RETURN(const Bytes reply, call(kGetData, path));
    ReplyReader reader(reply);
    Bytes out(reader.take_string());
    if (!reader.ok()) return short_reply();
    return out;
  }

  /// Ends the session at the server, too; it would end by itself.
  void close() {
    Bytes request;
    append_int32(request, ++xid_);
    append_int32(request, kClose);
    (void)send(request);
  }

 private:
  ZookeeperSession(std::unique_ptr<rpc::Socket> socket, Clock& clock, StopToken stop)
      : socket_(std::move(socket)), clock_(clock), stop_(std::move(stop)) {}

  static Error short_reply() {
    return make_error(ErrorCode::kCorrupt, "zookeeper: reply is too short");
  }

  // Connect: protocol version, last zxid, time-out, no former session, no password, not read-only.
  Result<void> start() {
    Bytes request;
    append_int32(request, 0);
    append_be64(request, 0);
    append_be32(request, kSessionTimeoutMs);
    append_be64(request, 0);
    append_string(request, Bytes(16, '\0'));
    request.push_back('\0');
    TRY(send(request));
    ASSIGN_OR_RETURN(const Bytes reply, receive());
    ReplyReader reader(reply);
    (void)reader.take_int32();
    const int32_t timeout_ms = reader.take_int32();
    if (!reader.ok()) return short_reply();
    if (timeout_ms <= 0) {
      return make_error(ErrorCode::kUnavailable, "zookeeper: session was refused");
    }
    return {};
  }

  /// The reply behind its header, to a request for `path` without a watch.
  Result<Bytes> call(int32_t operation, const std::string& path) {
    Bytes request;
    append_int32(request, ++xid_);
    append_int32(request, operation);
    append_string(request, path);
    request.push_back('\0');
    TRY(send(request));
    while (true) {
      ASSIGN_OR_RETURN(const Bytes reply, receive());
      ReplyReader reader(reply);
      const int32_t xid = reader.take_int32();
      reader.skip_int64();
      const int32_t error = reader.take_int32();
      if (!reader.ok()) return short_reply();
      if (xid == kPingXid || xid == kWatchXid) continue;
      if (xid != xid_) {
        return make_error(ErrorCode::kInternal, "zookeeper: reply to {}, not to {}", xid, xid_);
      }
      if (error != 0) {
        return make_error(error == -101 ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                          "zookeeper: error {} for {}", error, path);
      }
      return reply.substr(16);
    }
  }

  Result<void> send(const Bytes& request) {
    Bytes frame;
    append_string(frame, request);
    const rpc::IoLimits limits{clock_, clock_.now() + kReplyTimeout, stop_};
    for (ByteView rest = frame; !rest.empty();) {
      ASSIGN_OR_RETURN(const rpc::IoStep step, socket_->try_write(rest));
      rest.remove_prefix(step.bytes);
      if (step.bytes == 0) TRY(socket_->wait(/*for_write=*/true, limits));
    }
    return {};
  }

  Result<Bytes> receive() {
    std::array<char, 4> length{};
    TRY(read(length));
    const uint32_t size = load_be32(length.data());
    if (size > kReplyBytesMax) {
      return make_error(ErrorCode::kCorrupt, "zookeeper: reply of {} bytes", size);
    }
    Bytes out(size, '\0');
    TRY(read(out));
    return out;
  }

  Result<void> read(std::span<char> out) {
    const rpc::IoLimits limits{clock_, clock_.now() + kReplyTimeout, stop_};
    while (!out.empty()) {
      ASSIGN_OR_RETURN(const rpc::IoStep step, socket_->try_read(out));
      if (step.ended()) {
        return make_error(ErrorCode::kUnavailable, "zookeeper: connection closed");
      }
      out = out.subspan(step.bytes);
      if (step.bytes == 0) TRY(socket_->wait(/*for_write=*/false, limits));
    }
    return {};
  }

  std::unique_ptr<rpc::Socket> socket_;
  Clock& clock_;
  StopToken stop_;
  int32_t xid_ = 0;
};

Result<std::string> ask(const ZookeeperAddress& address, const ZookeeperAddress::Server& server,
                        Clock& clock, const StopToken& stop) {
  ASSIGN_OR_RETURN(ZookeeperSession session, ZookeeperSession::open(server, clock, stop));
  const std::string root = address.chroot + "/brokers/ids";
  ASSIGN_OR_RETURN(const std::vector<std::string> ids, session.children(root));
  std::string out;
  for (const std::string& id : ids) {
    if (!parse_whole<int32_t>(id)) {
      return make_error(ErrorCode::kCorrupt, "broker id {} in zookeeper is no number", id);
    }
    ASSIGN_OR_RETURN(const Bytes json, session.data(root + "/" + id));
    Result<std::string> broker = broker_address(json);
    if (!broker.ok()) return std::move(broker).error().because("broker {} in zookeeper", id);
    if (!out.empty()) out += ',';
    out += *broker;
  }
  session.close();
  if (out.empty()) return make_error(ErrorCode::kNotFound, "kafka brokers not found in zookeeper");
  return out;
}

}  // namespace

Result<ZookeeperAddress> parse_zookeeper_address(std::string_view text) {
  ZookeeperAddress out;
  const size_t slash = std::min(text.find('/'), text.size());
  out.chroot = std::string(text.substr(slash));
  while (out.chroot.ends_with('/')) out.chroot.pop_back();
  std::string_view servers = text.substr(0, slash);
  while (true) {
    const size_t comma = std::min(servers.find(','), servers.size());
    const std::string_view server = servers.substr(0, comma);
    const auto divided = split_host_port(server);
    const uint16_t port = divided ? parse_whole<uint16_t>(divided->port).value_or(0) : 0;
    if (port == 0) {
      return make_error(ErrorCode::kInvalid, "zookeeper server `{}` is not host:port", server);
    }
    out.servers.push_back({std::string(divided->host), port});
    if (comma == servers.size()) return out;
    servers.remove_prefix(comma + 1);
  }
}

Result<std::string> broker_address(ByteView json) {
  std::string host;
  int64_t port = 0;
  std::string endpoint;
  tidb::JsonReader reader(json, "broker");
  reader.read_object([&](std::string_view key) {
    if (key == "host") {
      host = reader.read_string();
    } else if (key == "port") {
      port = reader.read_int64();
    } else if (key == "endpoints") {
      reader.read_array([&] {
        std::string next = reader.read_string();
        if (endpoint.empty()) endpoint = std::move(next);
      });
    } else {
      reader.skip();
    }
  });
  TRY(reader.finish());
  if (!host.empty() && port > 0) return fmt::format("{}:{}", host, port);
  const size_t scheme = endpoint.find("://");
  if (scheme == std::string::npos) {
    return make_error(ErrorCode::kCorrupt, "neither host nor endpoint in {}", json);
  }
  return endpoint.substr(scheme + 3);
}

Result<std::string> find_brokers(std::string_view zookeeper_addrs, Clock& clock,
                                 const StopToken& stop) {
  ASSIGN_OR_RETURN(const ZookeeperAddress address, parse_zookeeper_address(zookeeper_addrs));
  std::optional<Error> last;
  for (const ZookeeperAddress::Server& server : address.servers) {
    Result<std::string> brokers = ask(address, server, clock, stop);
    if (brokers.ok()) {
      log_info("kafka brokers found in zookeeper", {{"brokers", *brokers}});
      return brokers;
    }
    last = std::move(brokers).error().because("zookeeper {}:{}", server.host, server.port);
    if (last->code() != ErrorCode::kUnavailable && last->code() != ErrorCode::kTimeout) break;
    log_warn("zookeeper does not answer", {{"error", *last}});
  }
  return *last;
}

}  // namespace drainer::kafka
