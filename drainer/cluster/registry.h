#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "drainer/cluster/etcd.h"

namespace drainer::cluster {

/// States as they stand in the registry (spec/upstream-protocols.md 3.3).
enum class NodeState : uint8_t { kOnline, kPausing, kPaused, kClosing, kOffline, kUnknown };

std::string_view to_string(NodeState state);
NodeState parse_node_state(std::string_view text);

/// One entry of the registry, pump or drainer (3.2).
struct NodeStatus {
  std::string node_id;
  std::string host;  ///< host:port without scheme
  NodeState state = NodeState::kUnknown;
  bool is_alive = false;
  int64_t score = 0;
  int64_t max_commit_ts = 0;
  int64_t update_ts = 0;

  friend bool operator==(const NodeStatus&, const NodeStatus&) = default;
};

/// The JSON of an entry, byte for byte as Go writes it; and back, with Go's leniency.
std::string to_json(const NodeStatus& node);
Result<NodeStatus> parse_node_status(std::string_view json);

/// The node registry in PD's etcd under /tidb-binlog/v1. Any thread.
class Registry {
 public:
  explicit Registry(EtcdClient& etcd) : etcd_(etcd) {}

  /// All pumps, whatever their state. An entry that cannot be read is skipped and logged (FIX 3.6).
  Result<std::vector<NodeStatus>> pumps(const StopToken& stop);
  Result<std::vector<NodeStatus>> drainers(const StopToken& stop);
  /// Creates or replaces the entry of a drainer (3.5); gives the one that it has replaced, if there
  /// was one that can be read.
  Result<std::optional<NodeStatus>> replace_drainer(const NodeStatus& node, const StopToken& stop);

 private:
  Result<std::vector<NodeStatus>> list(std::string_view kind, const StopToken& stop);

  EtcdClient& etcd_;
};

}  // namespace drainer::cluster
