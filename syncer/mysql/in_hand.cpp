#include "syncer/mysql/in_hand.h"

#include <algorithm>
#include <utility>

#include "drainer/base/log.h"

namespace drainer::mysql {
namespace {

constexpr Duration kLong = std::chrono::minutes(1);
constexpr size_t kSqlBytesMax = 1000;

int64_t in_seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

std::string what_of(const InHand::Work& work) {
  return work.sql.empty() ? fmt::format("transaction of {} rows", work.rows) : "DDL";
}

}  // namespace

void InHand::begin(size_t worker, Work work) {
  if (work.sql.size() > kSqlBytesMax) work.sql = work.sql.substr(0, kSqlBytesMax) + "...";
  const TimePoint now = clock_.now();
  MutexLock lock(mutex_);
  work_[worker] = Entry{.work = std::move(work), .begin = now};
}

void InHand::failed(size_t worker, int attempts, const Error& error) {
  std::string text = error.to_string();
  MutexLock lock(mutex_);
  if (!work_[worker]) return;
  Entry& entry = *work_[worker];
  entry.attempts = attempts;
  entry.error = std::move(text);
}

bool InHand::end(size_t worker) {
  std::optional<Entry> done;
  bool is_told = false;
  {
    MutexLock lock(mutex_);
    done = std::exchange(work_[worker], std::nullopt);
    if (done && done->attempts > 0) is_told = std::exchange(told_failing_, false);
  }
  if (!is_told) return false;
  log_info("the downstream works again", {{"what", what_of(done->work)},
                                          {"commit ts", done->work.commit_ts},
                                          {"take s", in_seconds(clock_.now() - done->begin)},
                                          {"failed attempts", done->attempts}});
  return true;
}

bool InHand::tell() {
  const TimePoint now = clock_.now();
  std::optional<Entry> longest;
  int64_t others = -1;
  {
    MutexLock lock(mutex_);
    for (const std::optional<Entry>& entry : work_) {
      if (!entry || now - entry->begin < kLong) continue;
      ++others;
      if (!longest || entry->begin < longest->begin) longest = entry;
    }
    if (!longest) return false;
    const bool is_failing = longest->attempts > 0;
    if (longest->begin != std::exchange(told_begin_, longest->begin)) told_age_ = {};
    const Duration age = now - longest->begin;
    if (age < told_age_ + (is_failing ? kLong : told_age_)) return false;
    told_age_ = age;
    told_failing_ = told_failing_ || is_failing;
  }
  const Work& work = longest->work;
  const int64_t seconds = in_seconds(now - longest->begin);
  if (longest->attempts == 0) {
    log_warn("still running in the downstream", {{"what", what_of(work)},
                                                 {"commit ts", work.commit_ts},
                                                 {"for s", seconds},
                                                 {"others as long", others},
                                                 {"sql", work.sql}});
    return true;
  }
  log_warn("the downstream fails, still trying", {{"what", what_of(work)},
                                                  {"commit ts", work.commit_ts},
                                                  {"for s", seconds},
                                                  {"others as long", others},
                                                  {"sql", work.sql},
                                                  {"failed attempts", longest->attempts},
                                                  {"gives up after", attempts_max_},
                                                  {"error", longest->error}});
  return true;
}

}  // namespace drainer::mysql
