#include "syncer/progress.h"

#include <algorithm>

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"

namespace drainer {

namespace {

constexpr Duration kSaveInterval = std::chrono::seconds(3);
/// Put off for so long at most, as long as workers try a transaction again.
constexpr Duration kPutOffMax = std::chrono::minutes(15);
constexpr Duration kLogInterval = std::chrono::seconds(10);

Gauge& applied_ts_ms() {
  static Gauge& gauge = metric::applied_ts_ms();
  return gauge;
}

Counter& applied_rows() {
  static Counter& counter = metric::applied_rows_total();
  return counter;
}

Histogram& delay_seconds() {
  static Histogram& histogram = metric::checkpoint_delay_seconds();
  return histogram;
}

}  // namespace

Progress::Progress(Sink& sink, Checkpoint& checkpoint, const SavePoint& loaded, Clock& clock,
                   std::function<void(CommitTs)> on_saved)
    : sink_(sink),
      checkpoint_(checkpoint),
      clock_(clock),
      on_saved_(std::move(on_saved)),
      point_(loaded) {
  point_.consistent = false;
  last_save_ = clock_.now();
  last_log_ = last_save_;
  figures_.applied_ts = loaded.commit_ts;
  figures_.saved_ts = loaded.commit_ts;
  figures_.last_change = clock_.now();
  metric::checkpoint_tso().set(static_cast<double>(physical_ms(loaded.commit_ts)));
  applied_ts_ms().set(static_cast<double>(physical_ms(loaded.commit_ts)));
}

Result<void> Progress::begin(const StopToken& stop) {
  Result<void> saved = save(stop);
  if (saved.ok() || saved.error().code() == ErrorCode::kStopped) return saved;
  return failed_save(std::move(saved).error());
}

Result<void> Progress::run(const StopToken& stop, const SaveEnds& ends) {
  while (std::optional<Applied> applied = sink_.next_applied(stop)) TRY(note(*applied, ends));
  if (point_.commit_ts > figures().saved_ts) TRY(save_or_skip(ends));
  return {};
}

Result<void> Progress::note(const Applied& applied, const SaveEnds& ends) {
  point_.commit_ts = std::max(point_.commit_ts, applied.commit_ts);
  point_.schema_version = std::max(point_.schema_version, applied.schema_version);
  if (applied.secondary_ts > 0) {
    point_.ts_map["primary-ts"] = applied.commit_ts.value;
    point_.ts_map["secondary-ts"] = applied.secondary_ts;
  }
  applied_rows().add(static_cast<double>(applied.rows));
  applied_ts_ms().set(static_cast<double>(physical_ms(point_.commit_ts)));
  delay_seconds().observe(static_cast<double>(clock_.unix_ms() - physical_ms(point_.commit_ts)) /
                          1000);
  {
    MutexLock lock(mutex_);
    figures_.applied_ts = point_.commit_ts;
    figures_.applied_rows += applied.rows;
    if (applied.rows > 0 || applied.is_ddl) figures_.last_change = clock_.now();
  }
  const TimePoint now = clock_.now();
  if (applied.is_ddl || applied.secondary_ts > 0 || now - last_save_ > kSaveInterval) {
    TRY(save_or_put_off(ends));
  }
  if (now - last_log_ > kLogInterval) log_rate();
  return {};
}

// While rows are written the workers wait for a downstream that is away: so does an idle run.
Result<void> Progress::save_or_put_off(const SaveEnds& ends) {
  Result<void> saved = save(ends.give_up);
  if (saved.ok()) return saved;
  const TimePoint now = clock_.now();
  const bool is_first = !unsaved_since_;
  if (is_first) unsaved_since_ = now;
  if (saved.error().code() != ErrorCode::kUnavailable || now - *unsaved_since_ > kPutOffMax) {
    return skip_or_fail(std::move(saved).error(), ends);
  }
  last_save_ = now;
  if (is_first) {
    log_warn("the checkpoint cannot be saved now, it is tried again at the next interval",
             {{"ts", point_.commit_ts}, {"error", saved.error()}});
  }
  return {};
}

Result<void> Progress::save_or_skip(const SaveEnds& ends) {
  Result<void> saved = save(ends.give_up);
  return saved.ok() ? saved : skip_or_fail(std::move(saved).error(), ends);
}

Result<void> Progress::skip_or_fail(Error error, const SaveEnds& ends) {
  const ErrorCode code = error.code();
  const bool is_gone = ends.stopping.stop_requested() && code == ErrorCode::kUnavailable;
  if (!is_gone && code != ErrorCode::kStopped) return failed_save(std::move(error));
  log_warn("the downstream does not answer, the checkpoint stays where it is",
           {{"ts", point_.commit_ts}, {"saved ts", figures().saved_ts}, {"error", error}});
  return {};
}

Error Progress::failed_save(Error error) const {
  log_fatal("save checkpoint failed",
            {{"ts", point_.commit_ts}, {"version", point_.schema_version}, {"error", error}});
  return std::move(error).because("save checkpoint {}", point_.commit_ts);
}

Result<void> Progress::save(const StopToken& stop) {
  Result<void> saved = sink_.announce(point_.commit_ts, stop);
  if (saved.ok()) saved = checkpoint_.save(point_, stop);
  if (!saved.ok()) return saved;
  log_info("write save point", {{"ts", point_.commit_ts}, {"version", point_.schema_version}});
  last_save_ = clock_.now();
  unsaved_since_.reset();
  metric::checkpoint_tso().set(static_cast<double>(physical_ms(point_.commit_ts)));
  metric::event("savepoint").add();
  if (on_saved_) on_saved_(point_.commit_ts);
  MutexLock lock(mutex_);
  figures_.saved_ts = point_.commit_ts;
  return {};
}

Result<void> Progress::save_consistent(const SaveEnds& ends) {
  point_.consistent = true;
  return save_or_skip(ends);
}

void Progress::log_rate() {
  const TimePoint now = clock_.now();
  const double seconds = std::chrono::duration<double>(now - last_log_).count();
  const ProgressFigures figures = this->figures();
  const uint64_t rows = figures.applied_rows - rows_at_last_log_;
  rows_at_last_log_ = figures.applied_rows;
  last_log_ = now;
  log_info("progress", {{"applied ts", figures.applied_ts},
                        {"rows", figures.applied_rows},
                        {"rows/s", static_cast<int64_t>(static_cast<double>(rows) / seconds)},
                        {"lag ms", clock_.unix_ms() - physical_ms(figures.applied_ts)}});
}

ProgressFigures Progress::figures() const {
  MutexLock lock(mutex_);
  return figures_;
}

}  // namespace drainer
