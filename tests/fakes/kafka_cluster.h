#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/fakes/process.h"
#include "tests/fakes/tcp_proxy.h"

namespace drainer::fakes {

/// A private cluster of Apache Kafka in KRaft mode on free ports of 127.0.0.1: every broker is a
/// controller too and keeps every partition; a message counts when all but one have it. Clients
/// reach each broker through a proxy. Killed and removed with the object. One thread.
class KafkaCluster {
 public:
  /// The folder with Kafka's jars that $DRAINER_TEST_KAFKA_JARS names (tests/kafka_jars.sh).
  static std::optional<std::string> jars();

  /// CHECKs that the brokers come up.
  explicit KafkaCluster(std::string jars, int brokers = 3);

  std::string addresses() const;
  /// Brokers count from 1.
  int size() const { return static_cast<int>(nodes_.size()); }
  /// Waits until each broker that was started serves.
  void wait_until_started();
  /// As kill -9.
  void kill(int broker);
  /// Starts a killed one with its data; does not wait for it.
  void start(int broker);
  /// It neither answers nor closes its connections until resume().
  void pause(int broker);
  void resume(int broker);
  /// The next request with `marker` in it is answered by the broker, but the answer is lost and
  /// the connection cut.
  void lose_answer(int broker, const std::string& marker);
  void lose_nothing(int broker);
  /// How many answers were lost so far.
  int lost_answers() const;

 private:
  struct Node {
    uint16_t port = 0;
    uint16_t controller_port = 0;
    std::unique_ptr<TcpProxy> proxy;
    std::unique_ptr<Process> process;
    int starts = 0;
  };
  std::string node_path(int broker) const;
  Node& node(int broker) { return nodes_.at(static_cast<size_t>(broker - 1)); }
  void write_config(int broker);

  const std::string jars_;
  TempDir directory_{"kafka"};
  std::vector<Node> nodes_;
};

}  // namespace drainer::fakes
