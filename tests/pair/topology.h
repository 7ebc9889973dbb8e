#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace drainer::pair {

/// A drainer and its configuration. Plain data.
struct Link {
  size_t from = 0;
  size_t to = 0;
  int64_t channel = 1;
  std::vector<int64_t> stop_channels{};  ///< `channel-ids`; empty: not configured
  bool sync_ddl = false;
};

/// Clusters and the drainers between them, as loopback/README.md sets them up. DDL is run in
/// cluster 0. Plain data.
struct Topology {
  size_t clusters = 0;
  std::vector<Link> links{};
};

/// Two clusters that replicate to each other on one channel.
Topology make_pair();
/// Each replicates to the next; each has a channel of its own.
Topology make_ring(size_t clusters);
/// Cluster 0 is the hub that replicates to and from all others; each has a channel of its own.
Topology make_star(size_t clusters);
/// Each replicates to each other on one channel.
Topology make_mesh(size_t clusters);

}  // namespace drainer::pair
