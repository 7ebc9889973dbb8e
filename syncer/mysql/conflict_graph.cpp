#include "syncer/mysql/conflict_graph.h"

#include <algorithm>
#include <utility>

#include "drainer/base/check.h"

namespace drainer::mysql {
namespace {

/// Lists of readers below this length are not looked through.
constexpr size_t kReadersMin = 64;

/// One use per hash.
void merge_uses(std::vector<KeyUse>& keys) {
  std::ranges::sort(keys, {}, &KeyUse::hash);
  size_t kept = 0;
  for (const KeyUse& use : keys) {
    if (kept > 0 && keys[kept - 1].hash == use.hash) {
      keys[kept - 1].is_write |= use.is_write;
    } else {
      keys[kept++] = use;
    }
  }
  keys.resize(kept);
}

}  // namespace

NodeId ConflictGraph::append(std::vector<KeyUse> keys) {
  const NodeId id = base_ + nodes_.size();
  nodes_.emplace_back().keys = std::move(keys);
  if (barrier_ != 0) add_edge(barrier_, id);
  return id;
}

void ConflictGraph::add_edge(NodeId from, NodeId to) {
  if (is_finished(from)) return;
  std::vector<NodeId>& successors = node(from).successors;
  // `to` is the newest node: if the edge exists, it is the last one.
  if (!successors.empty() && successors.back() == to) return;
  successors.push_back(to);
  ++node(to).pending;
}

NodeId ConflictGraph::add(std::vector<KeyUse> keys) {
  merge_uses(keys);
  const NodeId id = append(std::move(keys));
  for (const KeyUse& use : node(id).keys) {
    Key& key = keys_[use.hash];
    if (key.writer != 0) add_edge(key.writer, id);
    if (!use.is_write) {
      add_reader(key, id);
      continue;
    }
    for (const NodeId reader : key.readers) add_edge(reader, id);
    key = {.writer = id, .open_readers = 0, .readers = {}};
  }
  return id;
}

void ConflictGraph::add_reader(Key& key, NodeId id) {
  if (key.readers.size() >= std::max(kReadersMin, 2 * key.open_readers)) {
    std::erase_if(key.readers, [&](NodeId reader) { return is_finished(reader); });
  }
  key.readers.push_back(id);
  ++key.open_readers;
}

NodeId ConflictGraph::add_barrier() {
  const NodeId id = append({});
  for (NodeId earlier = base_; earlier < id; ++earlier) add_edge(earlier, id);
  barrier_ = id;
  return id;
}

bool ConflictGraph::is_ready(NodeId id) const {
  return !is_finished(id) && node(id).pending == 0;
}

void ConflictGraph::take(NodeId id, std::vector<NodeId>& followers) {
  Node& taken = node(id);
  CHECK(!taken.is_taken && !taken.is_finished, "node {} taken twice", id);
  taken.is_taken = true;
  for (const NodeId successor : taken.successors) {
    Node& next = node(successor);
    if (next.group != group_) {
      next.group = group_;
      next.claimed = 0;
    }
    if (++next.claimed == next.pending) followers.push_back(successor);
  }
}

void ConflictGraph::finish(NodeId id, std::vector<NodeId>& ready) {
  CHECK(!is_finished(id), "node {} finished twice", id);
  Node& finished = node(id);
  CHECK(finished.pending == 0, "node {} finished before {} others", id, finished.pending);
  finished.is_finished = true;
  for (const NodeId successor : finished.successors) {
    Node& next = node(successor);
    if (--next.pending == 0 && !next.is_taken) ready.push_back(successor);
  }
  for (const KeyUse& use : finished.keys) forget_use(use, id);
  finished.keys = {};
  finished.successors = {};
  if (barrier_ == id) barrier_ = 0;
  while (!nodes_.empty() && nodes_.front().is_finished) {
    nodes_.pop_front();
    ++base_;
  }
}

void ConflictGraph::forget_use(const KeyUse& use, NodeId id) {
  const auto found = keys_.find(use.hash);
  if (found == keys_.end()) return;
  Key& key = found->second;
  // Readers before the last writer are not counted any more.
  if (!use.is_write && id > key.writer) --key.open_readers;
  if (key.open_readers == 0 && (key.writer == 0 || is_finished(key.writer))) keys_.erase(found);
}

}  // namespace drainer::mysql
