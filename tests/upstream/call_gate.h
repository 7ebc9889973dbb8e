#pragma once

#include "tests/upstream/grpc_headers.h"

#include "tests/upstream/services.h"

#include <algorithm>

namespace drainer::upstream {

inline const std::string kPdNode = "pd";
inline const std::string kTikvNode = "tikv";

/// Waits for `length`, or until the call is over. Only the .cpp files of services include this.
inline void hold_call(World& world, Duration length, const grpc::ServerContext& context) {
  // The sync server has no event for a cancelled call, so it is asked for at times.
  constexpr Duration kLook = std::chrono::milliseconds(20);
  const TimePoint end = world.clock.now() + length;
  while (world.clock.now() < end && !context.IsCancelled()) {
    world.clock.sleep_for(std::min(kLook, end - world.clock.now()), StopToken());
  }
}

/// The faults that any call of a node may meet: `delay` and `fail`.
inline grpc::Status admit_call(World& world, const std::string& node,
                               const grpc::ServerContext& context) {
  if (const Duration delay = world.faults.delay(node); delay > Duration()) {
    hold_call(world, delay, context);
  }
  if (world.faults.take(node, "fail")) {
    return {grpc::StatusCode::UNAVAILABLE, "scripted failure"};
  }
  return grpc::Status::OK;
}

}  // namespace drainer::upstream
