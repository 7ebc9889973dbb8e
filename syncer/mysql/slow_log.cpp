#include "syncer/mysql/slow_log.h"

#include <utility>

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"

namespace drainer::mysql {

namespace {

constexpr Duration kSlow = std::chrono::seconds(5);
constexpr Duration kQuiet = std::chrono::minutes(1);

}  // namespace

bool SlowLog::note(std::string_view what, TimePoint begin, CommitTs commit_ts) {
  const TimePoint now = clock_.now();
  if (now - begin < kSlow) return false;
  metric::mysql_slow_total().add();
  uint64_t left_out = 0;
  {
    MutexLock lock(mutex_);
    if (now < quiet_until_) {
      ++left_out_;
      return false;
    }
    quiet_until_ = now + kQuiet;
    left_out = std::exchange(left_out_, 0);
  }
  log_warn("the downstream is slow",
           {{"what", what},
            {"take", fmt::format("{:.1f}s", std::chrono::duration<double>(now - begin).count())},
            {"commit ts", commit_ts},
            {"not logged since the last", left_out}});
  return true;
}

}  // namespace drainer::mysql
