#include "pump_client/merger.h"

#include <algorithm>

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"

namespace drainer {

void Merger::set_sources(const std::vector<PumpId>& pumps) {
  MutexLock lock(mutex_);
  for (auto& [pump, source] : sources_) {
    if (source.has_left || std::find(pumps.begin(), pumps.end(), pump) != pumps.end()) continue;
    log_info("merger remove source", {{"source id", pump}});
    source.has_left = true;
  }
  for (const PumpId& pump : pumps) {
    const auto [source, is_new] = sources_.try_emplace(pump, Source{.last_offered = last_taken_});
    if (is_new || source->second.has_left) log_info("merger add source", {{"source id", pump}});
    source->second.has_left = false;
  }
  const size_t share_bytes = all_pumps_bytes_ / std::max<size_t>(pumps.size(), 1);
  per_pump_.bytes = std::min(per_pump_max_.bytes, share_bytes);
  offered_.notify_all();
  taken_.notify_all();
}

bool Merger::has_room(const Source& source, size_t size_bytes) const {
  return source.items.empty() ||
         (source.items.size() < per_pump_.items && source.bytes + size_bytes <= per_pump_.bytes);
}

bool Merger::offer(const PumpId& pump, std::vector<tidb::BinlogItem> items, const StopToken& stop) {
  MutexLock lock(mutex_);
  for (size_t next = 0; next < items.size();) {
    const bool ready = taken_.wait(mutex_, stop, [&]() NO_THREAD_SAFETY_ANALYSIS {
      const auto source = sources_.find(pump);
      return source == sources_.end() || source->second.has_left ||
             has_room(source->second, items[next].size_bytes());
    });
    const auto found = sources_.find(pump);
    if (!ready || found == sources_.end() || found->second.has_left) return false;
    Source& source = found->second;
    // Only the first item of a pump can complete the set that take() waits for.
    if (source.items.empty()) offered_.notify_one();
    for (; next < items.size(); ++next) {
      const size_t size_bytes = items[next].size_bytes();
      if (!has_room(source, size_bytes)) break;
      source.bytes += size_bytes;
      source.last_offered = std::max(source.last_offered, items[next].binlog().commit_ts);
      source.items.push_back(std::move(items[next]));
    }
  }
  return true;
}

std::optional<tidb::BinlogItem> Merger::take(const StopToken& stop) {
  MutexLock lock(mutex_);
  while (true) {
    if (!offered_.wait(mutex_, stop, [&]() NO_THREAD_SAFETY_ANALYSIS { return is_complete(); })) {
      return std::nullopt;
    }
    const auto smallest = find_smallest();
    tidb::BinlogItem item = take_from(smallest->second);
    const CommitTs commit_ts = item.binlog().commit_ts;
    if (commit_ts > last_taken_) {
      last_taken_ = commit_ts;
      return item;
    }
    if (item.binlog().is_fake()) continue;
    if (commit_ts == last_taken_) {
      log_warn("duplicate binlog", {{"commit ts", commit_ts}, {"source id", smallest->first}});
    } else {
      metric::disorder_binlog_count().add();
      log_error(
          "binlog's commit ts less than the last ts",
          {{"commit ts", commit_ts}, {"last ts", last_taken_}, {"source id", smallest->first}});
    }
  }
}

bool Merger::is_complete() const {
  bool has_item = false;
  for (const auto& [pump, source] : sources_) {
    if (source.is_waited_for()) return false;
    has_item = has_item || !source.items.empty();
  }
  return has_item;
}

std::map<PumpId, Merger::Source>::iterator Merger::find_smallest() {
  const auto commit_ts = [](const Source& source) {
    return source.items.empty() ? CommitTs(INT64_MAX) : source.items.front().binlog().commit_ts;
  };
  return std::min_element(sources_.begin(), sources_.end(),
                          [&](const auto& left, const auto& right) {
                            return commit_ts(left.second) < commit_ts(right.second);
                          });
}

tidb::BinlogItem Merger::take_from(Source& source) {
  tidb::BinlogItem item = std::move(source.items.front());
  source.items.pop_front();
  const size_t bytes_before = source.bytes;
  source.bytes -= item.size_bytes();
  // Waking the pump for every item would cost a switch each. It is woken when half of its share is
  // free, and at the latest when all is: then its next item passes whatever the size.
  const size_t half_bytes = per_pump_.bytes / 2;
  if (source.items.empty() || source.items.size() == per_pump_.items / 2 ||
      (bytes_before > half_bytes && source.bytes <= half_bytes)) {
    taken_.notify_all();
  }
  return item;
}

CommitTs Merger::last_taken() const {
  MutexLock lock(mutex_);
  return last_taken_;
}

CommitTs Merger::start_of(const PumpId& pump) const {
  MutexLock lock(mutex_);
  const auto source = sources_.find(pump);
  return source == sources_.end() ? last_taken_ : source->second.last_offered;
}

std::optional<PumpId> Merger::waiting_for() const {
  MutexLock lock(mutex_);
  for (const auto& [pump, source] : sources_) {
    if (source.is_waited_for()) return pump;
  }
  return std::nullopt;
}

}  // namespace drainer
