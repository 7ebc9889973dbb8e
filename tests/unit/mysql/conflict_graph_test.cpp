#include "syncer/mysql/order/conflict_graph.h"

#include <map>
#include <random>
#include <set>

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

NodeId add(ConflictGraph& graph, std::vector<KeyUse> uses) {
  merge_uses(uses);
  return graph.add(uses);
}

TEST_CASE("conflict graph: a writer waits for the writer and the readers before it") {
  ConflictGraph graph;
  const NodeId first = add(graph, {{.hash = 1}});
  const NodeId reader = add(graph, {{.hash = 1, .is_write = false}});
  const NodeId other = add(graph, {{.hash = 1, .is_write = false}});
  const NodeId last = add(graph, {{.hash = 1}, {.hash = 2}});
  CHECK(graph.is_ready(first));
  CHECK_FALSE(graph.is_ready(reader));
  std::vector<NodeId> ready;
  graph.finish(first, ready);
  CHECK(ready == std::vector<NodeId>{reader, other});
  ready.clear();
  graph.finish(other, ready);
  CHECK(ready.empty());
  graph.finish(reader, ready);
  CHECK(ready == std::vector<NodeId>{last});
  graph.finish(last, ready);
  CHECK(graph.open_keys() == 0);
}

TEST_CASE("conflict graph: a barrier waits for all and holds back all") {
  ConflictGraph graph;
  const NodeId before = add(graph, {{.hash = 1}});
  const NodeId barrier = graph.add_barrier();
  const NodeId after = add(graph, {{.hash = 2}});
  CHECK_FALSE(graph.is_ready(barrier));
  std::vector<NodeId> ready;
  graph.finish(before, ready);
  CHECK(ready == std::vector<NodeId>{barrier});
  CHECK_FALSE(graph.is_ready(after));
  ready.clear();
  graph.finish(barrier, ready);
  CHECK(ready == std::vector<NodeId>{after});
}

TEST_CASE("conflict graph: a chain may join the group of its head, a meeting of two may not") {
  ConflictGraph graph;
  const NodeId head = add(graph, {{.hash = 1}});
  const NodeId next = add(graph, {{.hash = 1}});
  const NodeId other = add(graph, {{.hash = 2}});
  const NodeId meeting = add(graph, {{.hash = 1}, {.hash = 2}});
  std::vector<NodeId> followers;
  graph.begin_group();
  graph.take(head, followers);
  CHECK(followers == std::vector<NodeId>{next});
  followers.clear();
  graph.take(next, followers);
  CHECK(followers.empty());
  graph.begin_group();
  graph.take(other, followers);
  CHECK(followers.empty());
  std::vector<NodeId> ready;
  graph.finish(head, ready);
  graph.finish(next, ready);
  CHECK(ready.empty());
  graph.finish(other, ready);
  CHECK(ready == std::vector<NodeId>{meeting});
}

TEST_CASE(
    "conflict graph: a barrier may join the group of all that it waits for, with what follows") {
  ConflictGraph graph;
  const NodeId one = add(graph, {{.hash = 1}});
  const NodeId other = add(graph, {{.hash = 2}});
  const NodeId barrier = graph.add_barrier();
  const NodeId next_barrier = graph.add_barrier();
  const NodeId after = add(graph, {{.hash = 3}});
  std::vector<NodeId> followers;
  graph.begin_group();
  graph.take(one, followers);
  CHECK(followers.empty());
  graph.take(other, followers);
  CHECK(followers == std::vector<NodeId>{barrier});
  graph.take(barrier, followers);
  graph.take(next_barrier, followers);
  CHECK(followers == std::vector<NodeId>{barrier, next_barrier, after});
}

/// A transaction that writes its number to some keys and remembers what it saw in others.
struct Sample {
  std::vector<KeyUse> uses;
};
using Cells = std::map<uint64_t, NodeId>;
using Seen = std::map<NodeId, std::vector<NodeId>>;

void apply(NodeId id, const Sample& sample, Cells& cells, Seen& seen) {
  for (const KeyUse& use : sample.uses) seen[id].push_back(cells[use.hash]);
  for (const KeyUse& use : sample.uses) {
    if (use.is_write) cells[use.hash] = id;
  }
}

// Whatever is ready may end in any order, alone or grouped: each transaction sees what it would
// have seen one after the other.
TEST_CASE("conflict graph: any order that it allows has the outcome of the serial one") {
  std::mt19937 random(20261121);
  const auto below = [&](size_t n) {
    return std::uniform_int_distribution<size_t>(0, n - 1)(random);
  };
  for (int round = 0; round < 300; ++round) {
    const size_t keys = 1 + below(8);
    ConflictGraph graph;
    std::map<NodeId, Sample> samples;
    std::set<NodeId> barriers;
    std::set<NodeId> ready;
    Cells cells;
    Seen seen;
    size_t finished = 0;
    while (finished < 60) {
      if (samples.size() < 60 && below(2) == 0) {
        const bool is_barrier = below(20) == 0;
        Sample sample;
        for (size_t i = below(4); !is_barrier && i > 0; --i) {
          sample.uses.push_back({.hash = below(keys), .is_write = below(3) > 0});
        }
        // A barrier counts as one that touches everything.
        for (uint64_t key = 0; is_barrier && key < keys; ++key)
          sample.uses.push_back({.hash = key});
        const NodeId id = is_barrier ? graph.add_barrier() : add(graph, sample.uses);
        REQUIRE(id == samples.size() + 1);
        samples[id] = sample;
        if (graph.is_ready(id)) ready.insert(id);
        continue;
      }
      if (ready.empty()) continue;
      auto begin = ready.begin();
      std::advance(begin, below(ready.size()));
      std::set<NodeId> joinable{*begin};
      ready.erase(begin);
      std::vector<NodeId> group;
      graph.begin_group();
      while (!joinable.empty() && group.size() <= below(6)) {
        const NodeId id = *joinable.begin();
        joinable.erase(joinable.begin());
        group.push_back(id);
        std::vector<NodeId> followers;
        graph.take(id, followers);
        joinable.insert(followers.begin(), followers.end());
      }
      REQUIRE(std::ranges::is_sorted(group));
      for (const NodeId id : group) apply(id, samples[id], cells, seen);
      std::vector<NodeId> freed;
      for (const NodeId id : group) graph.finish(id, freed);
      ready.insert(freed.begin(), freed.end());
      finished += group.size();
    }
    Cells serial_cells;
    Seen serial_seen;
    for (const auto& [id, sample] : samples) apply(id, sample, serial_cells, serial_seen);
    REQUIRE(seen == serial_seen);
    REQUIRE(cells == serial_cells);
    REQUIRE(graph.open_keys() == 0);
  }
}

TEST_CASE("conflict graph: two uses of one key are one, which writes if any does") {
  std::vector<KeyUse> uses{{.hash = 7, .is_write = false}, {.hash = 3}, {.hash = 7}};
  merge_uses(uses);
  REQUIRE(uses.size() == 2);
  CHECK(uses[0].hash == 3);
  CHECK(uses[1].hash == 7);
  CHECK(uses[1].is_write);
}

}  // namespace
}  // namespace drainer::mysql
