#pragma once

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "syncer/mysql/progress_table.h"
#include "syncer/mysql/session/named_lock.h"

namespace drainer::mysql {

/// Keeps a drainer that has been replaced from running DDL, which no row of the progress table can
/// fence: a process that was stopped between its journal and its DDL could run it hours later.
///
/// A session that runs DDL holds a named lock of the server (GET_LOCK), which ends with it. It gets
/// the lock only while its process is the owner. The owner ends another session that holds it idle,
/// such as one of a process stopped or cut off, and waits for one whose DDL is under way: what
/// becomes of that is in the journal's facts. Where the server does not tell who holds it, as TiDB,
/// it waits in any case. Servers without named locks go without. Immutable; any thread.
class DdlLock {
 public:
  explicit DdlLock(ProgressTable::Id id);

  /// For a new session, until it ends. kConflict when another process has become the owner;
  /// kStopped. Blocks as long as a DDL of another session takes.
  Result<void> take(Session& session, Clock& clock, const StopToken& stop) const;

  /// After a take-over, by the new owner; see NamedLock.
  Result<bool> end_idle_holder(Session& session) const { return lock_.end_idle_holder(session); }

 private:
  const ProgressTable::Id id_;
  const NamedLock lock_;
};

}  // namespace drainer::mysql
