#include "drainer/cluster/region_error.h"

#include "drainer/proto/tikv.pb.h"

#include <array>

namespace drainer::cluster {

namespace {

struct Row {
  bool (tikvpb::RegionError::*is_set)() const;
  RegionReaction reaction;
};

using E = tikvpb::RegionError;
using A = RegionAction;
using B = BackoffKind;

// A NotLeader without leader is told apart below.
constexpr std::array<Row, 20> kTable{{
    {&E::has_not_leader, {"not_leader", A::kSwitchLeader, {}}},
    {&E::has_region_not_found, {"region_not_found", A::kDrop, {}}},
    {&E::has_key_not_in_region, {"key_not_in_region", A::kDrop, {}}},
    {&E::has_epoch_not_match, {"epoch_not_match", A::kReplace, {}}},
    {&E::has_server_is_busy, {"server_is_busy", A::kKeep, B::kServerBusy}},
    {&E::has_stale_command, {"stale_command", A::kKeep, B::kStaleCommand}},
    {&E::has_store_not_match, {"store_not_match", A::kForgetStore, {}}},
    {&E::has_raft_entry_too_large, {"raft_entry_too_large", A::kFail, {}}},
    {&E::has_max_timestamp_not_synced, {"max_timestamp_not_synced", A::kKeep, B::kRegionMiss}},
    {&E::has_read_index_not_ready, {"read_index_not_ready", A::kKeep, B::kRegionMiss}},
    {&E::has_proposal_in_merging_mode, {"proposal_in_merging_mode", A::kKeep, B::kRegionMiss}},
    {&E::has_data_is_not_ready, {"data_is_not_ready", A::kKeep, B::kDataNotReady}},
    {&E::has_region_not_initialized,
     {"region_not_initialized", A::kKeep, B::kRegionNotInitialized}},
    {&E::has_disk_full, {"disk_full", A::kKeep, B::kDiskFull}},
    {&E::has_recovery_in_progress, {"recovery_in_progress", A::kDrop, B::kRecovery}},
    {&E::has_flashback_in_progress, {"flashback_in_progress", A::kFail, {}}},
    {&E::has_flashback_not_prepared, {"flashback_not_prepared", A::kFail, {}}},
    {&E::has_is_witness, {"is_witness", A::kDrop, B::kWitness}},
    {&E::has_mismatch_peer_id, {"mismatch_peer_id", A::kDrop, {}}},
    {&E::has_bucket_version_not_match, {"bucket_version_not_match", A::kDrop, {}}},
}};

}  // namespace

RegionReaction reaction_to(const tikvpb::RegionError& error) {
  for (const Row& row : kTable) {
    if (!(error.*row.is_set)()) continue;
    if (error.has_not_leader() && error.not_leader().leader().id() == 0) {
      return {row.reaction.name, A::kDrop, B::kRegionMiss};
    }
    return row.reaction;
  }
  return {"unknown region error", A::kDrop, B::kRegionMiss};
}

Error to_error(const tikvpb::RegionError& error, std::string_view address) {
  return make_error(ErrorCode::kUnavailable, "TiKV at {} answers {}: {}", address,
                    reaction_to(error).name, error.message());
}

}  // namespace drainer::cluster
