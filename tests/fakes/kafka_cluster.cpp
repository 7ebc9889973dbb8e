#include "tests/fakes/kafka_cluster.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <fmt/core.h>

#include "drainer/base/check.h"
#include "drainer/base/clock.h"

namespace drainer::fakes {

namespace {

constexpr std::chrono::seconds kStartLimit{180};
constexpr const char* kStarted = "Kafka Server started";

}  // namespace

std::optional<std::string> KafkaCluster::jars() {
  const char* const folder = std::getenv("DRAINER_TEST_KAFKA_JARS");
  return folder == nullptr ? std::nullopt : std::optional<std::string>(folder);
}

KafkaCluster::KafkaCluster(std::string jars, int brokers)
    : jars_(std::move(jars)), nodes_(static_cast<size_t>(brokers)) {
  for (Node& node : nodes_) {
    node.port = static_cast<uint16_t>(free_port());
    node.controller_port = static_cast<uint16_t>(free_port());
    node.proxy = std::make_unique<TcpProxy>(node.port);
  }
  for (int broker = 1; broker <= brokers; ++broker) write_config(broker);
  for (int broker = 1; broker <= brokers; ++broker) start(broker);
  wait_until_started();
}

void KafkaCluster::wait_until_started() {
  const TimePoint deadline = SystemClock().now() + kStartLimit;
  for (int broker = 1; broker <= size(); ++broker) {
    const auto has_started = [&] {
      const std::string log = read_file(node_path(broker) + "/log");
      int count = 0;
      for (size_t at = log.find(kStarted); at != std::string::npos; at = log.find(kStarted, at + 1))
        ++count;
      return count == node(broker).starts;
    };
    while (!has_started()) {
      CHECK(node(broker).process->is_running() && SystemClock().now() < deadline,
            "broker {} does not start: {}", broker, read_file(node_path(broker) + "/log"));
      SystemClock().sleep_for(std::chrono::milliseconds(100), StopToken());
    }
  }
}

std::string KafkaCluster::node_path(int broker) const {
  return fmt::format("{}/{}", directory_.path(), broker);
}

void KafkaCluster::write_config(int broker) {
  std::string voters;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    voters += fmt::format("{}{}@127.0.0.1:{}", i == 0 ? "" : ",", i + 1, nodes_[i].controller_port);
  }
  const std::string path = node_path(broker);
  std::filesystem::create_directories(path + "/data");
  // What Kafka's storage tool would write.
  write_file(path + "/data/meta.properties",
             fmt::format("version=1\ncluster.id=drainer-test-cluster-0\nnode.id={}\n", broker));
  write_file(
      path + "/server.properties",
      fmt::format("process.roles=broker,controller\nnode.id={}\ncontroller.quorum.voters={}\n"
                  "listeners=PLAINTEXT://127.0.0.1:{},CONTROLLER://127.0.0.1:{}\n"
                  "advertised.listeners=PLAINTEXT://127.0.0.1:{}\n"
                  "controller.listener.names=CONTROLLER\n"
                  "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"
                  "log.dirs={}/data\nnum.partitions=1\nmessage.max.bytes=100000000\n"
                  "replica.fetch.max.bytes=100000000\ndefault.replication.factor={}\n"
                  "min.insync.replicas={}\noffsets.topic.replication.factor=1\n"
                  "replica.lag.time.max.ms=5000\n",
                  broker, voters, node(broker).port, node(broker).controller_port,
                  node(broker).proxy->port(), path, nodes_.size(),
                  std::max<size_t>(1, nodes_.size() - 1)));
}

std::string KafkaCluster::addresses() const {
  std::string out;
  for (const Node& node : nodes_) {
    out += fmt::format("{}127.0.0.1:{}", out.empty() ? "" : ",", node.proxy->port());
  }
  return out;
}

void KafkaCluster::start(int broker) {
  const std::string path = node_path(broker);
  node(broker).process =
      Process::start({"/usr/bin/java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                      "-cp", jars_ + "/*", "kafka.Kafka", path + "/server.properties"},
                     path + "/log");
  CHECK(node(broker).process != nullptr, "java does not start");
  ++node(broker).starts;
}

void KafkaCluster::kill(int broker) {
  node(broker).process->send_signal(SIGKILL);
  CHECK(node(broker).process->wait(kStartLimit), "broker {} does not end", broker);
}

void KafkaCluster::pause(int broker) {
  node(broker).process->send_signal(SIGSTOP);
}

void KafkaCluster::resume(int broker) {
  node(broker).process->send_signal(SIGCONT);
}

void KafkaCluster::lose_answer(int broker, const std::string& marker) {
  node(broker).proxy->arm(TcpProxy::Cut::kAnswer, marker);
}

void KafkaCluster::lose_nothing(int broker) {
  node(broker).proxy->arm(TcpProxy::Cut::kNone, "");
}

int KafkaCluster::lost_answers() const {
  int out = 0;
  for (const Node& node : nodes_) out += node.proxy->cuts();
  return out;
}

}  // namespace drainer::fakes
