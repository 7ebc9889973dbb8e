#pragma once

#include <atomic>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "drainer/base/threads.h"
#include "tests/pair/pair_world.h"

namespace drainer::pair {

/// What a campaign does. Plain data.
struct CampaignOptions {
  Topology topology{};
  std::chrono::seconds length{5};
  uint32_t seed = 1;
  bool kills = true;     ///< kill -9 of drainers
  bool cuts = true;      ///< of connections to pumps and downstreams
  bool ddl = true;       ///< new columns, in cluster 0
  bool overlaps = true;  ///< all clusters also write the same rows, under the policy `newest`
  /// Program of one link instead of ours: the original. It is stopped in order instead of killed,
  /// and its downstream is not cut, since both double rows without key; it knows no policies.
  std::string foreign_drainer{};
  size_t foreign_link = 0;
  std::chrono::seconds quiet_limit{120};
};

/// What came of it. Plain data.
struct CampaignResult {
  int64_t transactions = 0;  ///< of users, all clusters
  int64_t failed = 0;        ///< of these, rolled back by deadlocks with drainers
  int64_t applied = 0;       ///< of users' transactions by drainers: once per cluster is right
  int64_t kills = 0;
  int64_t cuts = 0;
  int64_t restarts = 0;  ///< of drainers that a cut ended at their start
  int64_t ddls = 0;
  int64_t conflicts = 0;  ///< recorded in all downstreams
  std::vector<std::string> problems{};

  std::string to_string() const;
};

/// Users write at random to all clusters while drainers are killed and connections cut, until the
/// time is up; then it is checked that each transaction is in each cluster exactly once and that
/// all clusters hold the same.
///
///     pair.ev      one row per transaction, without key: what is applied twice is there twice
///     pair.own     rows that only one cluster writes
///     pair.shared  rows that all write, with a column that says when
CampaignResult run_campaign(const CampaignOptions& options);

}  // namespace drainer::pair
