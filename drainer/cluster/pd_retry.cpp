#include "drainer/cluster/pd_retry.h"

#include "drainer/base/log.h"

namespace drainer::cluster {

namespace {

constexpr Backoff::Limits kPauses{.first = std::chrono::milliseconds(500),
                                  .max = std::chrono::seconds(3)};

/// A wrong cluster id, a method that PD does not have, a stop: another try gives the same.
bool is_final(const Error& error) {
  return error.code() == ErrorCode::kStopped ||
         has_status(error, rpc::GrpcStatus::kFailedPrecondition) ||
         has_status(error, rpc::GrpcStatus::kUnimplemented);
}

}  // namespace

PdRetry::PdRetry(PdMembers& members, Clock& clock, Duration limit)
    : members_(members), clock_(clock), deadline_(clock.now() + limit), backoff_(kPauses) {}

Result<void> PdRetry::after_call_error(Error error, const StopToken& stop) {
  if (is_final(error)) return error;
  const std::string leader_before = members_.leader();
  const Result<void> refreshed = members_.refresh(stop);
  if (!refreshed.ok()) {
    log_warn("[pd] cannot look up the leader", {{"error", refreshed.error()}});
  }
  // A new leader is asked at once, but only the first time: two members may point at each other.
  const bool has_moved = refreshed.ok() && members_.leader() != leader_before;
  if (has_moved && backoff_.attempts() == 0) {
    backoff_.next();
    return {};
  }
  return after_refusal(std::move(error), stop);
}

Result<void> PdRetry::after_refusal(Error error, const StopToken& stop) {
  const Duration pause = backoff_.next();
  if (clock_.now() + pause >= deadline_) return error;
  log_warn("[pd] call failed, trying again", {{"error", error}});
  if (!clock_.sleep_for(pause, stop)) return stopped();
  return {};
}

}  // namespace drainer::cluster
