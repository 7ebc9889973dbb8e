#include "syncer/mysql/checkpoint_note.h"

#include <utility>

#include "drainer/base/retry.h"
#include "syncer/mysql/progress_row.h"
#include "syncer/mysql/progress_sql.h"
#include "syncer/mysql/session/failure.h"

namespace drainer::mysql {
namespace {

constexpr int kAnnounceAttempts = 5;
constexpr Duration kAnnouncePause = std::chrono::seconds(1);

}  // namespace

CheckpointNote::CheckpointNote(ProgressTable::Id id, SessionOptions session, CommitTs saved,
                               Clock& clock)
    : id_(std::move(id)), options_(std::move(session)), clock_(clock), saved_(saved) {}

Result<void> CheckpointNote::announce(CommitTs checkpoint, const StopToken& stop) {
  if (stop.stop_requested()) return stopped();
  Result<void> done = try_times(kAnnounceAttempts, kAnnouncePause, clock_, stop, [&] {
    Result<void> tried = try_announce(checkpoint);
    if (!tried.ok()) session_.reset();
    return tried;
  });
  if (!done.ok()) {
    if (done.error().code() == ErrorCode::kStopped) return done;
    return as_unavailable_if_retryable(std::move(done).error())
        .because("announce the checkpoint {} in {}", checkpoint, table_of(id_.table));
  }
  saved_ = checkpoint;
  return {};
}

// Sets both, so that it may be done twice.
Result<void> CheckpointNote::try_announce(CommitTs checkpoint) {
  if (!session_) {
    ASSIGN_OR_RETURN(session_, Session::open(options_));
  }
  const std::string update = fmt::format(
      "UPDATE {} SET checkpoint_ts={},saved_ts={} WHERE cluster_id={} AND worker={} AND owner={}",
      table_of(id_.table), checkpoint.value, saved_.value, id_.cluster_id, kCheckpointRow,
      quoted(id_.owner));
  ASSIGN_OR_RETURN(const uint64_t matched, session_->execute(update));
  if (matched == 1) return {};
  return ProgressRow(id_, kCheckpointRow).fenced_error(*session_);
}

}  // namespace drainer::mysql
