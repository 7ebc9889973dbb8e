#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "drainer/base/result.h"
#include "syncer/mysql/applied_state.h"
#include "syncer/mysql/progress_table.h"
#include "syncer/mysql/session/named_lock.h"
#include "syncer/mysql/session/session.h"

namespace drainer::mysql {

/// The row of one worker. One thread; works on the session it is given.
class ProgressRow {
 public:
  ProgressRow(ProgressTable::Id id, size_t worker);

  /// For a new connection: takes the lock, raises the epoch and reads the state. kConflict when
  /// another process has become the owner.
  Result<AppliedState> renew(Session& session);

  /// kConflict when another process has become the owner.
  Result<void> check_owner(Session& session) const;

  /// The UPDATE that goes into a transaction; must match exactly one row.
  std::string update_text(const AppliedState& state) const;
  /// Why such an update matched nothing: kConflict, naming the new owner.
  Error fenced_error(Session& session) const;

 private:
  ProgressTable::Id id_;
  NamedLock session_lock_;
  std::string table_;
  std::string where_;
  uint64_t epoch_ = 0;
};

}  // namespace drainer::mysql
