#pragma once

#include "drainer/base/result.h"
#include "drainer/cluster/pd.h"

namespace pdpb {
class Peer;
class Region;
}  // namespace pdpb

namespace drainer::cluster {

// The messages that PD and TiKV describe regions with, as our plain data. Pure.

PeerRef to_peer(const pdpb::Peer& peer);

/// Keys decoded, no leader; kCorrupt when a boundary is not memcomparable.
Result<RegionInfo> to_region(const pdpb::Region& region);

/// False for learners, which give no reads.
bool is_readable(const PeerRef& peer);

}  // namespace drainer::cluster
