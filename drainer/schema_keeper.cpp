#include "drainer/schema_keeper.h"

#include "drainer/base/log.h"
#include "drainer/schema/schema_store.h"

namespace drainer {

namespace {

// Between two images: DDL comes in bursts.
constexpr Duration kImageInterval = std::chrono::seconds(30);

}  // namespace

void SchemaKeeper::offer(const schema::Schema& schema, CommitTs commit_ts) {
  if (offered_ == schema.change_count()) return;
  const TimePoint now = clock_.now();
  if (offered_ && now - offered_at_ < kImageInterval) return;
  {
    MutexLock lock(mutex_);
    if (waiting_) return;
  }
  schema::SchemaImage image = schema.image(commit_ts);
  offered_ = schema.change_count();
  offered_at_ = now;
  MutexLock lock(mutex_);
  waiting_ = std::move(image);
  changed_.notify_all();
}

void SchemaKeeper::note_saved(CommitTs commit_ts) {
  MutexLock lock(mutex_);
  saved_ = commit_ts;
  if (waiting_) changed_.notify_all();
}

Result<void> SchemaKeeper::run(const StopToken& stop) {
  while (true) {
    schema::SchemaImage image;
    {
      MutexLock lock(mutex_);
      const bool is_ready = changed_.wait(mutex_, stop, [this]() NO_THREAD_SAFETY_ANALYSIS {
        return waiting_.has_value() && waiting_->commit_ts <= saved_;
      });
      if (!is_ready) return {};
      image = std::move(*waiting_);
      waiting_.reset();
    }
    write(image);
  }
}

void SchemaKeeper::write_last(const schema::Schema& schema, CommitTs commit_ts) {
  bool is_unwritten;
  {
    MutexLock lock(mutex_);
    is_unwritten = waiting_.has_value();
  }
  if (!is_unwritten && offered_ == schema.change_count()) return;
  write(schema.image(commit_ts));
}

void SchemaKeeper::write(const schema::SchemaImage& image) {
  const TimePoint begin = clock_.now();
  if (Result<void> written = schema::write_schema_store(path_, cluster_id_, image); !written.ok()) {
    log_warn("the schema could not be stored, the next start reads the history instead",
             {{"error", written.error()}});
    return;
  }
  log_info("stored the schema", {{"commit ts", image.commit_ts},
                                 {"version", image.version},
                                 {"tables", image.tables.size()},
                                 {"ms", (clock_.now() - begin) / std::chrono::milliseconds(1)}});
}

}  // namespace drainer
