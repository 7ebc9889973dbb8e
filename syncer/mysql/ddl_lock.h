#pragma once

#include <string>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "syncer/mysql/progress_table.h"

namespace drainer::mysql {

/// Keeps a drainer that has been replaced from running DDL, which no row of the progress table can
/// fence: a process that was stopped between its journal and its DDL could run it hours later.
///
/// A session that runs DDL holds a named lock of the server (GET_LOCK), which ends with it. It gets
/// the lock only while its process is the owner. The owner ends another session that holds it idle,
/// such as one of a process stopped or cut off, and waits for one whose DDL is under way: what
/// becomes of that is in the journal's facts. Servers without named locks go without. Immutable;
/// any thread.
class DdlLock {
 public:
  explicit DdlLock(ProgressTable::Id id);

  /// For a new session, until it ends. kConflict when another process has become the owner;
  /// kStopped. Blocks as long as a DDL of another session takes.
  Result<void> take(Session& session, Clock& clock, const StopToken& stop) const;

  /// After a take-over, by the new owner: ends a session that holds the lock idle. True if there is
  /// none that holds it, or none any more in a moment.
  Result<bool> end_idle_holder(Session& session) const;

 private:
  const ProgressTable::Id id_;
  const std::string name_;  ///< of the lock, quoted
};

}  // namespace drainer::mysql
