#include "drainer/cluster/retry_budget.h"

#include "drainer/base/log.h"
#include "drainer/cluster/channels.h"

#include <algorithm>

namespace drainer::cluster {

namespace {

using std::chrono::milliseconds;

constexpr int kFreeRetriesMax = 32;

struct KindEntry {
  std::string_view name;
  Backoff::Limits pauses;
};

/// In the order of BackoffKind.
constexpr std::array<KindEntry, 11> kKindTable{{
    {"region miss", {milliseconds(2), milliseconds(500)}},
    {"server busy", {milliseconds(2000), milliseconds(10000)}},
    {"stale command", {milliseconds(2), milliseconds(1000)}},
    {"data not ready", {milliseconds(2), milliseconds(2000)}},
    {"region not initialized", {milliseconds(2), milliseconds(1000)}},
    {"disk full", {milliseconds(500), milliseconds(5000)}},
    {"recovery in progress", {milliseconds(100), milliseconds(10000)}},
    {"witness", {milliseconds(1000), milliseconds(10000)}},
    {"store unreachable", {milliseconds(100), milliseconds(2000)}},
    {"transaction not found", {milliseconds(2), milliseconds(500)}},
    {"locked by a transaction", {milliseconds(10), milliseconds(3000)}},
}};

}  // namespace

std::string_view to_string(BackoffKind kind) {
  return kKindTable[static_cast<size_t>(kind)].name;
}

Result<void> RetryBudget::pause(BackoffKind kind, const Error& cause, const StopToken& stop,
                                std::optional<Duration> longest) {
  static_assert(kKindTable.size() == kKinds);
  Spent& of_kind = kinds_[static_cast<size_t>(kind)];
  if (!of_kind.backoff) of_kind.backoff.emplace(kKindTable[static_cast<size_t>(kind)].pauses);
  Duration pause = of_kind.backoff->next();
  if (longest) pause = std::min(pause, *longest);
  if (spent_ + pause > limit_) return exhausted(cause);
  spent_ += pause;
  of_kind.time += pause;
  log_debug("[tikv] wait before the next try",
            {{"why", to_string(kind)}, {"ms", pause / milliseconds(1)}, {"error", cause}});
  if (!clock_.sleep_for(pause, stop)) return stopped();
  return {};
}

Result<void> RetryBudget::retry_now(const Error& cause, const StopToken& stop) {
  if (++free_retries_ <= kFreeRetriesMax) return {};
  return pause(BackoffKind::kRegionMiss, cause, stop);
}

Error RetryBudget::exhausted(const Error& cause) const {
  const auto worst = std::max_element(
      kinds_.begin(), kinds_.end(), [](const Spent& a, const Spent& b) { return a.time < b.time; });
  const auto kind = static_cast<BackoffKind>(worst - kinds_.begin());
  return Error(cause).because("given up after waiting {} ms, mostly for: {}",
                              spent_ / milliseconds(1), to_string(kind));
}

}  // namespace drainer::cluster
