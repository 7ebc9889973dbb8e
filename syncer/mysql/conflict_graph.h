#pragma once

#include <cstdint>
#include <deque>
#include <memory_resource>
#include <span>
#include <unordered_map>
#include <vector>

namespace drainer::mysql {

/// One thing that a transaction touches, by its hash. Two that touch the same conflict unless both
/// only read it.
struct KeyUse {
  uint64_t hash = 0;
  bool is_write = true;
};

/// Numbers transactions in the order in which they were added, from 1.
using NodeId = uint64_t;

/// Which upstream transactions must wait for which: a transaction waits only for earlier ones that
/// it conflicts with (spec/mysql-sink.md 6.1). What has been finished is forgotten.
///
/// A node is open until finish(); it is ready when all it waits for is finished. One thread.
class ConflictGraph {
 public:
  /// Adds the transaction that comes after all others. `keys` need not be sorted.
  NodeId add(std::vector<KeyUse> keys);
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
    std::vector<KeyUse> keys;
    std::vector<NodeId> successors;
    uint32_t pending = 0;  ///< predecessors not finished
    uint32_t claimed = 0;  ///< of these, members of the group `group`
    uint64_t group = 0;
    bool is_taken = false;
    bool is_finished = false;
  };
  struct Key {
    NodeId writer = 0;            ///< the last one
    size_t open_readers = 0;      ///< since then
    std::vector<NodeId> readers;  ///< since then; those finished are dropped now and then
  };

  Node& node(NodeId id) { return nodes_[id - base_]; }
  const Node& node(NodeId id) const { return nodes_[id - base_]; }
  NodeId append(std::vector<KeyUse> keys);
  void add_edge(NodeId from, NodeId to);
  void add_reader(Key& key, NodeId id);
  void forget_use(const KeyUse& use, NodeId id);

  NodeId base_ = 1;  ///< of nodes_.front()
  std::deque<Node> nodes_;
  std::pmr::unsynchronized_pool_resource key_memory_;  ///< keys come and go with each transaction
  std::pmr::unordered_map<uint64_t, Key> keys_{&key_memory_};
  NodeId barrier_ = 0;  ///< the last one
  uint64_t group_ = 0;
};

}  // namespace drainer::mysql
