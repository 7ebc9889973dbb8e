#include "syncer/kafka/broker_lookup.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>

#include <catch2/catch.hpp>

#include "drainer/base/threads.h"

using namespace drainer;
using kafka::broker_address;
using kafka::find_brokers;
using kafka::parse_zookeeper_address;

namespace {

// Four operations of a ZooKeeper server over a tree of nodes, for one connection.
class FakeZookeeper {
 public:
  using Nodes = std::map<std::string, Bytes>;

  explicit FakeZookeeper(Nodes nodes) : nodes_(std::move(nodes)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener_, 1) == 0);
    REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    threads_.start("zookeeper", [this](const StopToken&) -> Result<void> {
      serve();
      return {};
    });
  }
  ~FakeZookeeper() {
    ::shutdown(listener_, SHUT_RDWR);
    (void)threads_.wait();
    ::close(listener_);
  }

  std::string address() const { return fmt::format("127.0.0.1:{}", port_); }
  /// After the connection has ended.
  bool was_closed_in_order() {
    (void)threads_.wait();
    return closed_;
  }

 private:
  static constexpr int32_t kNoNode = -101;

  std::optional<Bytes> read(int fd, size_t size) {
    Bytes out(size, '\0');
    for (size_t filled = 0; filled < size;) {
      const ssize_t got = ::recv(fd, out.data() + filled, size - filled, 0);
      if (got <= 0) return std::nullopt;
      filled += static_cast<size_t>(got);
    }
    return out;
  }
  std::optional<Bytes> receive(int fd) {
    const std::optional<Bytes> length = read(fd, 4);
    return length ? read(fd, load_be32(length->data())) : std::nullopt;
  }
  void send(int fd, const Bytes& reply) {
    Bytes frame;
    append_be32(frame, static_cast<uint32_t>(reply.size()));
    frame += reply;
    // In pieces, as networks do.
    for (const char byte : frame) {
      if (::send(fd, &byte, 1, MSG_NOSIGNAL) != 1) return;
    }
  }
  static void append_string(Bytes& out, ByteView text) {
    append_be32(out, static_cast<uint32_t>(text.size()));
    out += text;
  }

  void serve() {
    const int fd = ::accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    if (const std::optional<Bytes> connect = receive(fd); connect && connect->size() == 45) {
      Bytes reply;
      append_be32(reply, 0);
      append_be32(reply, 40'000);
      append_be64(reply, 0x1234);
      append_string(reply, Bytes(16, 'p'));
      send(fd, reply);
      while (const std::optional<Bytes> request = receive(fd)) answer(fd, *request);
    }
    ::close(fd);
  }

  void answer(int fd, const Bytes& request) {
    const auto operation = static_cast<int32_t>(load_be32(request.data() + 4));
    if (operation == -11) {
      closed_ = true;
      return;
    }
    Bytes ping;
    append_be32(ping, static_cast<uint32_t>(-2));
    append_be64(ping, 0);
    append_be32(ping, 0);
    send(fd, ping);
    const std::string path = request.substr(12, load_be32(request.data() + 8));
    const bool exists = nodes_.lower_bound(path) != nodes_.end() &&
                        nodes_.lower_bound(path)->first.starts_with(path);
    Bytes reply = request.substr(0, 4);
    append_be64(reply, 77);
    append_be32(reply, static_cast<uint32_t>(exists ? 0 : kNoNode));
    if (exists && operation == 4) append_string(reply, nodes_.at(path));
    if (exists && operation == 12) append_children(reply, path);
    send(fd, reply);
  }

  void append_children(Bytes& reply, const std::string& path) {
    std::vector<std::string> names;
    for (const auto& [node, data] : nodes_) {
      if (node.starts_with(path + "/")) names.push_back(node.substr(path.size() + 1));
    }
    append_be32(reply, static_cast<uint32_t>(names.size()));
    for (const std::string& name : names) append_string(reply, name);
  }

  const Nodes nodes_;
  int listener_ = -1;
  uint16_t port_ = 0;
  bool closed_ = false;
  ThreadGroup threads_;
};

std::string error_of(const Result<std::string>& result) {
  return result.ok() ? "no error" : result.error().to_string();
}

}  // namespace

TEST_CASE("broker look-up: brokers below the chroot become the bootstrap list") {
  FakeZookeeper zookeeper(FakeZookeeper::Nodes{
      {"/a,b/c/brokers/ids/1", R"({"version":2,"host":"192.0.2.1","port":9092})"},
      {"/a,b/c/brokers/ids/7", R"({"host":"b7","port":9093,"jmx_port":-1})"}});
  SystemClock clock;
  const Result<std::string> brokers =
      find_brokers(zookeeper.address() + "/a,b/c", clock, StopToken());
  INFO(error_of(brokers));
  REQUIRE(brokers.ok());
  CHECK(*brokers == "192.0.2.1:9092,b7:9093");
  CHECK(zookeeper.was_closed_in_order());
}

TEST_CASE("broker look-up: the next server is asked when one does not answer") {
  FakeZookeeper zookeeper(FakeZookeeper::Nodes{{"/brokers/ids/0", R"({"host":"b","port":1})"}});
  SystemClock clock;
  const Result<std::string> brokers =
      find_brokers("127.0.0.1:1," + zookeeper.address() + "/", clock, StopToken());
  INFO(error_of(brokers));
  REQUIRE(brokers.ok());
  CHECK(*brokers == "b:1");
}

TEST_CASE("broker look-up: no broker, no such path, an odd id are errors") {
  SystemClock clock;
  {
    FakeZookeeper zookeeper(FakeZookeeper::Nodes{{"/brokers/ids", ""}});
    CHECK(error_of(find_brokers(zookeeper.address(), clock, StopToken()))
              .ends_with("kafka brokers not found in zookeeper"));
  }
  {
    FakeZookeeper zookeeper(FakeZookeeper::Nodes{{"/brokers/ids/x", "{}"}});
    CHECK(error_of(find_brokers(zookeeper.address(), clock, StopToken()))
              .ends_with("broker id x in zookeeper is no number"));
  }
  {
    FakeZookeeper zookeeper(FakeZookeeper::Nodes{{"/else", ""}});
    CHECK(error_of(find_brokers(zookeeper.address(), clock, StopToken()))
              .ends_with("zookeeper: error -101 for /brokers/ids"));
  }
}

TEST_CASE("broker look-up: a broker without a plain-text listener gives its first endpoint") {
  CHECK(broker_address(R"({"host":"h","port":9092,"endpoints":["SSL://s:1"]})").value() ==
        "h:9092");
  CHECK(
      broker_address(R"({"host":null,"port":-1,"endpoints":["SSL://s:9093","X://y:1"]})").value() ==
      "s:9093");
  CHECK_FALSE(broker_address(R"({"host":null,"port":-1})").ok());
  CHECK_FALSE(broker_address("{").ok());
}

TEST_CASE("broker look-up: addresses split into servers and chroot") {
  const auto plain = parse_zookeeper_address("h1:2181").value();
  REQUIRE(plain.servers.size() == 1);
  CHECK(plain.servers[0].host == "h1");
  CHECK(plain.servers[0].port == 2181);
  CHECK(plain.chroot == "");
  const auto full = parse_zookeeper_address("h1:1,h2:2/a/b,c/").value();
  REQUIRE(full.servers.size() == 2);
  CHECK(full.servers[1].host == "h2");
  CHECK(full.chroot == "/a/b,c");
  CHECK(parse_zookeeper_address("h:1/").value().chroot == "");
  for (const char* wrong : {"", "h", "h:", "h:x", "h:1,", "h:70000", "h:1 "}) {
    INFO(wrong);
    CHECK_FALSE(parse_zookeeper_address(wrong).ok());
  }
}
