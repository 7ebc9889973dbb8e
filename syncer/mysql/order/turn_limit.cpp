#include "syncer/mysql/order/turn_limit.h"

#include <algorithm>

namespace drainer::mysql {
namespace {

constexpr Duration kPatienceMin = std::chrono::milliseconds(50);
constexpr Duration kPatienceMax = std::chrono::seconds(1);
/// While nothing has been written yet.
constexpr Duration kPatienceAtStart = std::chrono::milliseconds(500);
constexpr double kPatienceGroups = 4;
/// More than a row takes nearly always: a large group is no reason to give up.
constexpr Duration kPatiencePerRow = std::chrono::microseconds(100);
constexpr double kSmoothing = 0.1;

constexpr Duration kSpanMin = std::chrono::seconds(1);
constexpr Duration kSpanMax = std::chrono::minutes(1);

}  // namespace

void TurnLimit::note_written(TimePoint taken, Duration took) {
  // It may have been held up.
  if (taken <= conflict_at_) return;
  const double seconds = std::chrono::duration<double>(took).count();
  group_seconds_ += (group_seconds_ == 0 ? 1 : kSmoothing) * (seconds - group_seconds_);
}

Duration TurnLimit::patience(uint64_t rows) const {
  if (group_seconds_ == 0) return kPatienceAtStart;
  const double row_seconds = std::chrono::duration<double>(kPatiencePerRow).count();
  const std::chrono::duration<double> usual(
      std::max(kPatienceGroups * group_seconds_, static_cast<double>(rows) * row_seconds));
  if (usual >= kPatienceMax) return kPatienceMax;
  return std::max(kPatienceMin, std::chrono::duration_cast<Duration>(usual));
}

bool TurnLimit::note_conflict(TimePoint now) {
  conflict_at_ = now;
  if (now < ahead_from_) return false;
  // Writing ahead was of use when it went well for as long as it had been left.
  const bool was_of_use = span_ == Duration() || now - ahead_from_ >= span_;
  span_ = was_of_use ? kSpanMin : std::min(kSpanMax, 2 * span_);
  ahead_from_ = now + span_;
  return true;
}

}  // namespace drainer::mysql
