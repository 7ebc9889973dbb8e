#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "drainer/base/retry.h"

namespace drainer::cluster {

/// Why a read of TiKV waits; each kind has its own growing pause (spec/upstream-protocols.md 6.2).
enum class BackoffKind : uint8_t {
  kRegionMiss,
  kServerBusy,
  kStaleCommand,
  kDataNotReady,
  kRegionNotInitialized,
  kDiskFull,
  kRecovery,
  kWitness,
  kStoreUnreachable,
  kTxnNotFound,
  kTxnLock,
};

std::string_view to_string(BackoffKind kind);

/// How long one step of a read may wait in all, and what it has tried. One per step, one thread.
class RetryBudget {
 public:
  RetryBudget(Clock& clock, Duration limit) : clock_(clock), limit_(limit) {}

  /// Sleeps the next pause of this kind, at most `longest`. When that would pass the limit: an
  /// error with the kind that took most of the time and with `cause`.
  Result<void> pause(BackoffKind kind, const Error& cause, const StopToken& stop,
                     std::optional<Duration> longest = std::nullopt);

  /// For reactions without a pause: free at first, then a pause, so that two servers which send us
  /// to and fro do not keep us busy for ever.
  Result<void> retry_now(const Error& cause, const StopToken& stop);

  /// Stores of the region that could not be reached in this step.
  std::set<uint64_t> unreachable_stores;

 private:
  static constexpr size_t kKinds = static_cast<size_t>(BackoffKind::kTxnLock) + 1;
  struct Spent {
    std::optional<Backoff> backoff;
    Duration time = Duration::zero();
  };

  Error exhausted(const Error& cause) const;

  Clock& clock_;
  const Duration limit_;
  Duration spent_ = Duration::zero();
  int free_retries_ = 0;
  std::array<Spent, kKinds> kinds_;
};

}  // namespace drainer::cluster
