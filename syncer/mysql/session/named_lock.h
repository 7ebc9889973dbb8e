#pragma once

#include <string>

#include "drainer/base/result.h"
#include "syncer/mysql/session/session.h"

namespace drainer::mysql {

/// A lock that the server keeps under a name (GET_LOCK). It ends with the session that holds it, so
/// a session that may stand in the way can be found and ended. Immutable; any thread.
class NamedLock {
 public:
  /// Servers take 64 characters at most; no quotes in them.
  explicit NamedLock(const std::string& name) : name_("'" + name + "'") {}

  /// Waits a second for it. The error of a server without named locks.
  Result<bool> try_take(Session& session) const;

  /// Ends a session that holds it idle. True if there is none that holds it, or none any more in a
  /// moment; false where the server does not tell, as TiDB. Only a lost `session` is an error.
  Result<bool> end_idle_holder(Session& session) const;

 private:
  std::string name_;  ///< quoted
};

}  // namespace drainer::mysql
