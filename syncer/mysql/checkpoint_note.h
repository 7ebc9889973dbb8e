#pragma once

#include <memory>

#include "drainer/base/clock.h"
#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "syncer/mysql/progress_table.h"
#include "syncer/mysql/session/session.h"

namespace drainer::mysql {

/// Announces checkpoints, over a connection of its own. One thread.
class CheckpointNote {
 public:
  CheckpointNote(ProgressTable::Id id, SessionOptions session, CommitTs saved, Clock& clock);

  /// To be called before each save. Tries 5 times, a second apart; from `stop` on not at all:
  /// kStopped. kConflict when another process has become the owner.
  Result<void> announce(CommitTs checkpoint, const StopToken& stop);

 private:
  Result<void> try_announce(CommitTs checkpoint);

  const ProgressTable::Id id_;
  const SessionOptions options_;
  Clock& clock_;
  std::unique_ptr<Session> session_;  ///< null before the first and after a failure
  CommitTs saved_;
};

}  // namespace drainer::mysql
