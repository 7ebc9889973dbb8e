#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "drainer/base/deque.h"
#include "syncer/mysql/order/key_users.h"

#include <boost/container/small_vector.hpp>

namespace drainer::mysql {

/// One thing that a transaction touches, by its hash. Two that touch the same conflict unless both
/// only read it.
struct KeyUse {
  uint64_t hash = 0;
  bool is_write = true;
};

/// Leaves one use per key, sorted by hash.
void merge_uses(std::vector<KeyUse>& uses);

/// Which upstream transactions must wait for which: a transaction waits only for earlier ones that
/// it conflicts with (spec/mysql-sink.md 6.1). What has been finished is forgotten.
///
/// A node is open until finish(); it is ready when all it waits for is finished. One thread.
class ConflictGraph {
 public:
  /// Adds the transaction that comes after all others; one use per key (merge_uses).
  NodeId add(std::span<const KeyUse> keys);
  /// Adds one that waits for all before it and that all later ones wait for.
  NodeId add_barrier();
  bool is_ready(NodeId id) const;
  bool is_finished(NodeId id) const { return id < base_ || node(id).is_finished; }

  /// `id` joins the group being formed. Appends to `followers` the nodes that now wait only for
  /// members of that group: they may join it too, executed in order after it. Groups are formed one
  /// at a time: each begins with begin_group().
  void begin_group() { ++group_; }
  void take(NodeId id, std::vector<NodeId>& followers);

  /// Everything that waited for nothing else is appended to `ready`, except what has been taken.
  void finish(NodeId id, std::vector<NodeId>& ready);

  size_t open_keys() const { return keys_.size(); }

 private:
  struct Node {
    uint64_t uses_begin = 0;  ///< in uses_, counted from the first ever
    size_t uses = 0;
    boost::container::small_vector<NodeId, 2> successors;
    uint32_t pending = 0;  ///< predecessors not finished
    uint32_t claimed = 0;  ///< of these, members of the group `group`
    uint64_t group = 0;
    bool is_taken = false;
    bool is_finished = false;
  };
  Node& node(NodeId id) { return nodes_[id - base_]; }
  const Node& node(NodeId id) const { return nodes_[id - base_]; }
  NodeId append(std::span<const KeyUse> keys);
  void add_edge(NodeId from, NodeId to);
  void add_reader(KeyUsers::Key& key, NodeId id);
  void forget_use(const KeyUse& use, NodeId id);

  NodeId base_ = 1;  ///< of nodes_.front()
  Deque<Node> nodes_;
  uint64_t uses_base_ = 0;  ///< of uses_.front()
  Deque<KeyUse> uses_;      ///< of all nodes
  KeyUsers keys_;
  NodeId barrier_ = 0;  ///< the last one
  uint64_t group_ = 0;
};

}  // namespace drainer::mysql
