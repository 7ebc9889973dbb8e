#include "syncer/mysql/session/named_lock.h"

#include "drainer/base/log.h"
#include "syncer/mysql/session/failure.h"

namespace drainer::mysql {

Result<bool> NamedLock::try_take(Session& session) const {
  ASSIGN_OR_RETURN(const std::string taken,
                   session.query_value(fmt::format("SELECT GET_LOCK({},1)", name_)));
  return taken == "1";
}

Result<bool> NamedLock::end_idle_holder(Session& session) const {
  auto holder = session.query_value(fmt::format("SELECT IS_USED_LOCK({})", name_));
  if (!holder.ok() && is_lost(holder.error())) return std::move(holder).error();
  // TiDB 6 does not know the function; later ones answer 1, whoever holds it.
  if (!holder.ok()) return false;
  if (holder->empty()) return true;
  if (session.is_tidb()) return false;
  auto idle = session.query(fmt::format(
      "SELECT 1 FROM information_schema.processlist WHERE command='Sleep' AND id={}", *holder));
  if (!idle.ok() && is_lost(idle.error())) return std::move(idle).error();
  if (!idle.ok() || idle->empty()) return false;
  log_warn("ending an idle session of a drainer before", {{"id", *holder}, {"lock", name_}});
  // It may be gone by now.
  auto killed = session.execute("KILL " + *holder);
  if (!killed.ok() && is_lost(killed.error())) return std::move(killed).error();
  return true;
}

}  // namespace drainer::mysql
