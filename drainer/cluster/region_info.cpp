#include "drainer/cluster/region_info.h"

#include "drainer/cluster/key_codec.h"
#include "drainer/proto/pd.pb.h"

namespace drainer::cluster {

PeerRef to_peer(const pdpb::Peer& peer) {
  return {.id = peer.id(), .store_id = peer.store_id(), .role = peer.role()};
}

Result<RegionInfo> to_region(const pdpb::Region& region) {
  RegionInfo info;
  info.id = region.id();
  info.conf_ver = region.region_epoch().conf_ver();
  info.version = region.region_epoch().version();
  if (!region.start_key().empty()) {
    ASSIGN_OR_RETURN(info.start_key, decode_memcomparable(region.start_key()));
  }
  if (!region.end_key().empty()) {
    ASSIGN_OR_RETURN(info.end_key, decode_memcomparable(region.end_key()));
  }
  for (const pdpb::Peer& peer : region.peers()) info.peers.push_back(to_peer(peer));
  return info;
}

bool is_readable(const PeerRef& peer) {
  return peer.role != pdpb::Learner;
}

}  // namespace drainer::cluster
