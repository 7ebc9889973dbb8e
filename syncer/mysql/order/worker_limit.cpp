#include "syncer/mysql/order/worker_limit.h"

#include <algorithm>

namespace drainer::mysql {
namespace {

/// Enough for one core or two; where more pay, they are found within a second.
constexpr size_t kWorkersAtStart = 3;
constexpr size_t kWorkersMin = 2;

/// What one measurement of the rate takes at least.
constexpr Duration kEpoch = std::chrono::milliseconds(100);
constexpr size_t kEpochGroups = 24;
/// What a further worker must bring at least, and what one less may seem to cost by chance.
constexpr double kGainMin = 1.06;
constexpr double kLossMax = 0.97;
/// Epochs without a trial after one that did not pay, for each direction.
constexpr int kPauseEpochs = 20;

constexpr Duration kPatienceMin = std::chrono::milliseconds(5);
constexpr Duration kPatienceMax = std::chrono::milliseconds(500);
constexpr double kPatienceGroups = 4;
constexpr double kSmoothing = 0.1;
/// How fast the quickest group is forgotten.
constexpr double kForgetting = 0.001;

constexpr Duration kLingerMax = std::chrono::milliseconds(12);
constexpr double kLingerGroups = 4;

Duration to_duration(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

WorkerLimit::WorkerLimit(size_t most)
    : most_(most), workers_(std::min(most, kWorkersAtStart)), kept_workers_(workers_) {}

Duration WorkerLimit::patience() const {
  return std::clamp(to_duration(kPatienceGroups * group_seconds_), kPatienceMin, kPatienceMax);
}

Duration WorkerLimit::linger() const {
  return std::clamp(to_duration(kLingerGroups * (group_seconds_ - quickest_seconds_)), Duration(0),
                    kLingerMax);
}

size_t WorkerLimit::more() const {
  return std::min(most_, workers_ + std::max<size_t>(1, workers_ / 2));
}

size_t WorkerLimit::fewer() const {
  return std::max(std::min(most_, kWorkersMin), workers_ - std::max<size_t>(1, workers_ / 4));
}

void WorkerLimit::note(uint64_t rows, Duration took, bool is_waiting, TimePoint now) {
  const double seconds = std::chrono::duration<double>(took).count();
  group_seconds_ += (group_seconds_ == 0 ? 1 : kSmoothing) * (seconds - group_seconds_);
  quickest_seconds_ = seconds < quickest_seconds_ || quickest_seconds_ == 0
                          ? seconds
                          : quickest_seconds_ + kForgetting * (seconds - quickest_seconds_);
  if (!is_waiting || epoch_groups_ == 0) {
    // The rate is that of the upstream now. What is kept may be measured again.
    epoch_begin_ = now;
    epoch_rows_ = 0;
    epoch_groups_ = is_waiting ? 1 : 0;
    return;
  }
  epoch_rows_ += rows;
  ++epoch_groups_;
  if (epoch_groups_ <= kEpochGroups || now - epoch_begin_ < kEpoch) return;
  end_epoch(static_cast<double>(epoch_rows_) /
            std::chrono::duration<double>(now - epoch_begin_).count());
  epoch_groups_ = 0;
}

void WorkerLimit::end_epoch(double rows_per_s) {
  if (trial_ == Trial::kNone) {
    kept_rate_ += (kept_rate_ == 0 ? 1 : 0.5) * (rows_per_s - kept_rate_);
    if (pause_epochs_ > 0) {
      --pause_epochs_;
    } else {
      begin_trial(next_trial_);
    }
    return;
  }
  const bool is_better = rows_per_s >= kept_rate_ * (trial_ == Trial::kMore ? kGainMin : kLossMax);
  if (is_better) {
    // On in the same direction.
    kept_workers_ = workers_;
    kept_rate_ = rows_per_s;
    begin_trial(trial_);
    return;
  }
  workers_ = kept_workers_;
  next_trial_ = trial_ == Trial::kMore ? Trial::kFewer : Trial::kMore;
  pause_epochs_ = next_trial_ == Trial::kMore ? kPauseEpochs : 0;
  trial_ = Trial::kNone;
}

void WorkerLimit::begin_trial(Trial trial) {
  const size_t workers = trial == Trial::kMore ? more() : fewer();
  trial_ = workers == workers_ ? Trial::kNone : trial;
  if (trial_ == Trial::kNone) {
    next_trial_ = trial == Trial::kMore ? Trial::kFewer : Trial::kMore;
    pause_epochs_ = kPauseEpochs;
  }
  workers_ = workers;
}

}  // namespace drainer::mysql
