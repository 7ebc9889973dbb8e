#pragma once

#include <optional>
#include <string_view>

#include "drainer/base/error.h"
#include "drainer/cluster/retry_budget.h"

namespace tikvpb {
class RegionError;
}

namespace drainer::cluster {

/// What a reader does with its knowledge of a region after TiKV refused a request.
enum class RegionAction : uint8_t {
  kKeep,          ///< it is right, the time is not
  kSwitchLeader,  ///< take the leader named in the error
  kReplace,       ///< take the regions listed in the error
  kDrop,          ///< ask PD again
  kForgetStore,   ///< ask PD again, also for the store's address
  kFail,          ///< no retry helps
};

/// One row of the table in spec/upstream-protocols.md 6.2.
struct RegionReaction {
  std::string_view name;  ///< of the error's field
  RegionAction action;
  std::optional<BackoffKind> pause;  ///< none: retry at once
};

/// Pure.
RegionReaction reaction_to(const tikvpb::RegionError& error);

/// "not_leader: <TiKV's message>", kUnavailable.
Error to_error(const tikvpb::RegionError& error, std::string_view address);

}  // namespace drainer::cluster
