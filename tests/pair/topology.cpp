#include "tests/pair/topology.h"

namespace drainer::pair {

namespace {

int64_t channel_of(size_t cluster) {
  return static_cast<int64_t>(cluster) + 1;
}

}  // namespace

Topology make_pair() {
  return {.clusters = 2, .links = {{.from = 0, .to = 1, .sync_ddl = true}, {.from = 1, .to = 0}}};
}

Topology make_ring(size_t clusters) {
  Topology out{.clusters = clusters};
  for (size_t from = 0; from < clusters; ++from) {
    const size_t to = (from + 1) % clusters;
    out.links.push_back({.from = from,
                         .to = to,
                         .channel = channel_of(from),
                         .stop_channels = {channel_of(to)},
                         .sync_ddl = to != 0});
  }
  return out;
}

Topology make_star(size_t clusters) {
  Topology out{.clusters = clusters};
  for (size_t spoke = 1; spoke < clusters; ++spoke) {
    out.links.push_back({.from = 0,
                         .to = spoke,
                         .channel = channel_of(0),
                         .stop_channels = {channel_of(spoke)},
                         .sync_ddl = true});
    // All that is not its own came to a spoke from the hub.
    Link back{.from = spoke, .to = 0, .channel = channel_of(spoke)};
    for (size_t other = 0; other < clusters; ++other) {
      if (other != spoke) back.stop_channels.push_back(channel_of(other));
    }
    out.links.push_back(back);
  }
  return out;
}

Topology make_mesh(size_t clusters) {
  Topology out{.clusters = clusters};
  for (size_t from = 0; from < clusters; ++from) {
    for (size_t to = 0; to < clusters; ++to) {
      if (from != to) out.links.push_back({.from = from, .to = to, .sync_ddl = from == 0});
    }
  }
  return out;
}

}  // namespace drainer::pair
