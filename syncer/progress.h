#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "drainer/base/clock.h"
#include "drainer/base/mutex.h"
#include "drainer/base/result.h"
#include "syncer/checkpoint/checkpoint.h"
#include "syncer/sink.h"

namespace drainer {

/// Figures of the progress so far, for /status, the heartbeat and the log. Plain data.
struct ProgressFigures {
  CommitTs applied_ts;  ///< everything up to it is durable downstream
  CommitTs saved_ts;    ///< as the checkpoint has it
  uint64_t applied_rows = 0;
  TimePoint last_change{};  ///< when the last DDL or transaction with rows was applied

  /// Neither rows nor DDL for more than synced-check-time: what /status calls synced.
  bool is_synced(TimePoint now, int64_t synced_check_time_min) const {
    return now - last_change > std::chrono::minutes(synced_check_time_min);
  }
};

/// How the end of a run bears on its saves. One that is skipped loses nothing: the checkpoint then
/// lies before what is applied.
struct SaveEnds {
  StopToken stopping = {};  ///< somebody ends the run: a downstream that has gone is no error now
  StopToken give_up = {};   ///< and has taken too long: what does not succeed at once is skipped
};

/// Turns what the sink has applied into save points (spec/drainer-process.md 3.5, 4.4).
///
/// Saves at the begin, at a DDL, when a downstream TSO comes along, or 3 s after the last save;
/// once more at the end. figures() from any thread, all else from one at a time.
class Progress {
 public:
  /// `loaded` is where this run starts; `on_saved` hears of each save. All must outlive it.
  Progress(Sink& sink, Checkpoint& checkpoint, const SavePoint& loaded, Clock& clock,
           std::function<void(CommitTs)> on_saved = {});

  /// Takes back `consistent`. Only then may the sink start (FIX 4.4): a crash must never leave the
  /// "consistent" of an earlier clean stop above a downstream that holds more. kStopped on `stop`.
  Result<void> begin(const StopToken& stop);

  /// Until the sink has reported all or `stop`; then saves. A failed save ends it; one that a
  /// downstream which is away has no answer for is put off, until it has been away for long.
  Result<void> run(const StopToken& stop, const SaveEnds& ends);

  /// After a clean stop: the downstream holds exactly what lies before the checkpoint.
  Result<void> save_consistent(const SaveEnds& ends);

  ProgressFigures figures() const EXCLUDES(mutex_);

 private:
  Result<void> note(const Applied& applied, const SaveEnds& ends);
  Result<void> save_or_put_off(const SaveEnds& ends);
  Result<void> save_or_skip(const SaveEnds& ends);
  Result<void> skip_or_fail(Error error, const SaveEnds& ends);
  Result<void> save(const StopToken& stop);
  Error failed_save(Error error) const;
  void log_rate();

  Sink& sink_;
  Checkpoint& checkpoint_;
  Clock& clock_;
  const std::function<void(CommitTs)> on_saved_;
  SavePoint point_;
  TimePoint last_save_{};
  TimePoint last_log_{};
  std::optional<TimePoint> unsaved_since_;  ///< saves are put off
  uint64_t rows_at_last_log_ = 0;

  mutable Mutex mutex_;
  ProgressFigures figures_ GUARDED_BY(mutex_);
};

}  // namespace drainer
