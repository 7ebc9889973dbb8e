#include "syncer/mysql/order/conflict_graph.h"

#include <algorithm>
#include <utility>

#include "drainer/base/check.h"

namespace drainer::mysql {
namespace {

/// Lists of readers below this length are not looked through.
constexpr size_t kReadersMin = 64;

}  // namespace

void merge_uses(std::vector<KeyUse>& uses) {
  std::ranges::sort(uses, {}, &KeyUse::hash);
  size_t kept = 0;
  for (const KeyUse& use : uses) {
    if (kept > 0 && uses[kept - 1].hash == use.hash) {
      uses[kept - 1].is_write |= use.is_write;
    } else {
      uses[kept++] = use;
    }
  }
  uses.resize(kept);
}

NodeId ConflictGraph::append(std::span<const KeyUse> keys) {
  const NodeId id = base_ + nodes_.size();
  Node& added = nodes_.emplace_back();
  added.uses_begin = uses_base_ + uses_.size();
  added.uses = keys.size();
  uses_.insert(uses_.end(), keys.begin(), keys.end());
  if (barrier_ != 0) add_edge(barrier_, id);
  return id;
}

void ConflictGraph::add_edge(NodeId from, NodeId to) {
  if (is_finished(from)) return;
  auto& successors = node(from).successors;
  // `to` is the newest node: if the edge exists, it is the last one.
  if (!successors.empty() && successors.back() == to) return;
  successors.push_back(to);
  ++node(to).pending;
}

NodeId ConflictGraph::add(std::span<const KeyUse> keys) {
  const NodeId id = append(keys);
  for (const KeyUse& use : keys) {
    KeyUsers::Key& key = keys_.add(use.hash);
    CHECK(key.writer != id, "key {} twice in one transaction", use.hash);
    if (key.writer != 0) add_edge(key.writer, id);
    if (!use.is_write) {
      add_reader(key, id);
      continue;
    }
    if (key.readers) {
      for (const NodeId reader : key.readers->ids) add_edge(reader, id);
      key.readers.reset();
    }
    key.writer = id;
  }
  return id;
}

void ConflictGraph::add_reader(KeyUsers::Key& key, NodeId id) {
  if (!key.readers) key.readers = std::make_unique<KeyUsers::Readers>();
  KeyUsers::Readers& readers = *key.readers;
  if (readers.ids.size() >= std::max(kReadersMin, 2 * readers.open)) {
    std::erase_if(readers.ids, [&](NodeId reader) { return is_finished(reader); });
  }
  readers.ids.push_back(id);
  ++readers.open;
}

NodeId ConflictGraph::add_barrier() {
  const NodeId id = append({});
  // Those before the last barrier are finished before that is.
  for (NodeId earlier = std::max(base_, barrier_); earlier < id; ++earlier) add_edge(earlier, id);
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
  const auto uses = uses_.begin() + static_cast<ptrdiff_t>(finished.uses_begin - uses_base_);
  std::for_each(uses, uses + static_cast<ptrdiff_t>(finished.uses),
                [&](const KeyUse& use) { forget_use(use, id); });
  if (barrier_ == id) barrier_ = 0;
  while (!nodes_.empty() && nodes_.front().is_finished) {
    const auto first = uses_.begin();
    uses_.erase(first, first + static_cast<ptrdiff_t>(nodes_.front().uses));
    uses_base_ += nodes_.front().uses;
    nodes_.pop_front();
    ++base_;
  }
}

void ConflictGraph::forget_use(const KeyUse& use, NodeId id) {
  KeyUsers::Key* const key = keys_.find(use.hash);
  if (key == nullptr) return;
  // Readers before the last writer are not counted any more.
  if (!use.is_write && id > key->writer) --key->readers->open;
  const bool has_readers = key->readers != nullptr && key->readers->open > 0;
  if (!has_readers && (key->writer == 0 || is_finished(key->writer))) keys_.erase(*key);
}

}  // namespace drainer::mysql
