#include "tests/upstream/live_feed.h"

#include <algorithm>

namespace drainer::upstream {

void LiveFeed::append(int64_t ddl_job_id, const std::function<Bytes(const Stamps&)>& encode) {
  MutexLock lock(mutex_);
  Stamps stamps;
  stamps.start_ts = tso_.next().value;
  stamps.finished_ts = tso_.next().value;
  stamps.commit_ts = tso_.next().value;
  auto& entries = pumps_[static_cast<size_t>(count_++) % pumps_.size()];
  entries.push_back({.payload = encode(stamps), .stamps = stamps, .ddl_job_id = ddl_job_id});
}

int64_t LiveFeed::transactions() const {
  MutexLock lock(mutex_);
  return count_;
}

Feed::Position LiveFeed::seek(size_t pump, int64_t offset) const {
  MutexLock lock(mutex_);
  const auto& entries = pumps_[pump];
  const auto found = std::ranges::partition_point(
      entries, [&](const Entry& entry) { return entry.stamps.commit_ts <= offset; });
  return {.index = static_cast<size_t>(found - entries.begin())};
}

bool LiveFeed::at_end(size_t pump, const Position& position) const {
  MutexLock lock(mutex_);
  return position.index >= pumps_[pump].size();
}

Feed::Item LiveFeed::item(size_t pump, const Position& position) const {
  MutexLock lock(mutex_);
  const Entry& entry = pumps_[pump][position.index];
  return {.payload = entry.payload,
          .start_ts = entry.stamps.start_ts,
          .commit_ts = entry.stamps.commit_ts,
          .ddl_job_id = entry.ddl_job_id};
}

std::optional<int64_t> LiveFeed::fake_ts_at_end(size_t pump, const Position& position,
                                                Tso& tso) const {
  // Under the lock: what is appended later gets a later timestamp.
  MutexLock lock(mutex_);
  if (position.index < pumps_[pump].size()) return std::nullopt;
  return tso.next().value;
}

}  // namespace drainer::upstream
