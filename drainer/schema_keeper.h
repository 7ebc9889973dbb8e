#pragma once

#include <optional>
#include <string>

#include "drainer/base/clock.h"
#include "drainer/base/ids.h"
#include "drainer/base/mutex.h"
#include "drainer/base/result.h"
#include "drainer/base/threads.h"
#include "drainer/schema/schema.h"

namespace drainer {

/// Keeps the schema on disk (schema/schema_store.h), so that the next start need not read the whole
/// history.
///
/// The syncer's thread offers the schema after each binlog; now and then, when it has changed, an
/// image is taken: a copy of pointers. The keeper's own thread writes it once the checkpoint has
/// passed it. A failed write is logged and costs only the time of a later start. At most one image
/// waits. offer() from one thread, note_saved() and run() from any.
class SchemaKeeper {
 public:
  SchemaKeeper(std::string path, uint64_t cluster_id, Clock& clock)
      : path_(std::move(path)), cluster_id_(cluster_id), clock_(clock) {}

  /// `schema` has handled all binlogs up to `commit_ts`. At once, whatever the clock says: the
  /// first time, as the store on disk (if any) lies before the start.
  void offer(const schema::Schema& schema, CommitTs commit_ts);
  /// Nothing has changed since the store on disk.
  void set_unchanged(const schema::Schema& schema) { offered_ = schema.change_count(); }

  /// Everything up to `commit_ts` will not be asked for again.
  void note_saved(CommitTs commit_ts);

  /// Writes images until `stop`.
  Result<void> run(const StopToken& stop);

  /// After a clean end, when the checkpoint stands at `commit_ts`: no other thread is left.
  void write_last(const schema::Schema& schema, CommitTs commit_ts);

 private:
  void write(const schema::SchemaImage& image);

  const std::string path_;
  const uint64_t cluster_id_;
  Clock& clock_;
  // Of the syncer's thread.
  std::optional<uint64_t> offered_;  ///< change count of the newest image
  TimePoint offered_at_{};

  Mutex mutex_;
  CondVar changed_;
  CommitTs saved_ GUARDED_BY(mutex_);
  std::optional<schema::SchemaImage> waiting_ GUARDED_BY(mutex_);
};

}  // namespace drainer
