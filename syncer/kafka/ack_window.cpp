#include "syncer/kafka/ack_window.h"

#include <utility>

#include "drainer/base/check.h"

namespace drainer::kafka {

bool AckWindow::wait_for_room(size_t size_bytes, const StopToken& stop) {
  MutexLock lock(mutex_);
  return acked_.wait(mutex_, stop, [&]() NO_THREAD_SAFETY_ANALYSIS {
    return state_.unacked_count == 0 || state_.unacked_bytes + size_bytes < kBytesMax;
  });
}

AckWindow::Sent AckWindow::add(CommitTs commit_ts, const Applied& applied, OwnedBytes payload) {
  MutexLock lock(mutex_);
  if (state_.unacked_count == 0) state_.last_progress = clock_.now();
  ++state_.unacked_count;
  state_.unacked_bytes += payload.size();
  entries_.push_back({commit_ts, applied, std::move(payload), false});
  return {first_id_ + entries_.size() - 1, entries_.back().payload.view()};
}

void AckWindow::add_progress(const Applied& applied) {
  MutexLock lock(mutex_);
  entries_.push_back({applied.commit_ts, applied, OwnedBytes(), true});
}

void AckWindow::acknowledge(MessageId id) {
  MutexLock lock(mutex_);
  Entry& entry = const_cast<Entry&>(entry_of(id));
  CHECK(!entry.is_acked, "message {} acknowledged twice", id);
  entry.is_acked = true;
  --state_.unacked_count;
  state_.unacked_bytes -= entry.payload.size();
  state_.last_progress = clock_.now();
  entry.payload = OwnedBytes();
  acked_.notify_all();
}

std::optional<Applied> AckWindow::take_complete() {
  MutexLock lock(mutex_);
  std::optional<Applied> out;
  for (; !entries_.empty() && entries_.front().is_acked; ++first_id_) {
    const Applied& next = entries_.front().applied;
    if (!out) {
      out = next;
    } else {
      out->commit_ts = next.commit_ts;
      out->schema_version = next.schema_version;
      out->is_ddl |= next.is_ddl;
      out->rows += next.rows;
    }
    entries_.pop_front();
  }
  return out;
}

const AckWindow::Entry& AckWindow::entry_of(MessageId id) const {
  CHECK(id >= first_id_ && id - first_id_ < entries_.size(), "message {} is not in [{}, {})", id,
        first_id_, first_id_ + entries_.size());
  return entries_[id - first_id_];
}

AckWindow::State AckWindow::state() const {
  MutexLock lock(mutex_);
  State out = state_;
  for (const Entry& entry : entries_) {
    if (entry.is_acked) continue;
    out.oldest = entry.commit_ts;
    break;
  }
  return out;
}

CommitTs AckWindow::commit_ts_of(MessageId id) const {
  MutexLock lock(mutex_);
  return entry_of(id).commit_ts;
}

size_t AckWindow::size_of(MessageId id) const {
  MutexLock lock(mutex_);
  return entry_of(id).payload.size();
}

void AckWindow::close() {
  MutexLock lock(mutex_);
  state_.is_closed = true;
}

}  // namespace drainer::kafka
