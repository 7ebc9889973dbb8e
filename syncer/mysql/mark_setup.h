#pragma once

#include "conf/options.h"
#include "drainer/base/result.h"
#include "syncer/mysql/session/session.h"

namespace drainer::mysql {

/// Makes the downstream's mark table with the rows of our channel, and checks that marks in it do
/// what they must: a row for each id and channel, found and raised by their numbers, readable by
/// the drainer of the opposite direction (loopback/README.md). Other channels that mark there are
/// logged. kInvalid says what is wrong with the table.
Result<void> set_up_marks(const SyncerOptions& syncer, Session& session);

/// Tells the drainer of the opposite direction whether DDL is replicated here, after
/// set_up_marks(). It ends where that must not be: not for those that only replay what was
/// recorded.
Result<void> note_sync_ddl(const SyncerOptions& syncer, Session& session);

}  // namespace drainer::mysql
