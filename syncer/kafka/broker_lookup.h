#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/bytes.h"
#include "drainer/base/clock.h"
#include "drainer/base/result.h"

namespace drainer::kafka {

/// `zookeeper-addrs`: servers, and the path below which Kafka keeps its nodes. Plain data.
struct ZookeeperAddress {
  struct Server {
    std::string host;
    uint16_t port = 0;
  };
  std::vector<Server> servers;
  std::string chroot;  ///< "" or "/path" without '/' at the end
};

/// Splits "host:2181,host:2181/chroot". kInvalid names the server that has no port.
Result<ZookeeperAddress> parse_zookeeper_address(std::string_view text);

/// host:port of a broker's node. FIX: of brokers that do not listen in plain text, the first entry
/// of `endpoints`.
Result<std::string> broker_address(ByteView json);

/// The bootstrap list of the brokers that are registered in ZooKeeper, asked of the first server
/// that answers (spec/kafka-and-file-sinks.md 2.6).
Result<std::string> find_brokers(std::string_view zookeeper_addrs, Clock& clock,
                                 const StopToken& stop);

}  // namespace drainer::kafka
