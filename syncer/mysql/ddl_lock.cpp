#include "syncer/mysql/ddl_lock.h"

#include <utility>

#include "drainer/base/crc32c.h"
#include "drainer/base/log.h"
#include "syncer/mysql/failure.h"

namespace drainer::mysql {
namespace {

/// Besides the second that the server lets GET_LOCK wait.
constexpr Duration kPause = std::chrono::milliseconds(100);

}  // namespace

// Servers take names of 64 characters at most; a schema's may have as many.
DdlLock::DdlLock(ProgressTable::Id id)
    : id_(std::move(id)),
      name_(fmt::format("'drainer ddl {} {:08x}'", id_.cluster_id, crc32c(id_.schema))) {}

Result<void> DdlLock::take(Session& session, Clock& clock, const StopToken& stop) const {
  const ProgressRow owned(id_, 0);
  bool is_logged = false;
  while (true) {
    TRY(owned.check_owner(session));
    auto taken = session.query_value(fmt::format("SELECT GET_LOCK({},1)", name_));
    if (!taken.ok() && is_lost(taken.error())) return std::move(taken).error();
    if (!taken.ok()) {
      log_warn(
          "the downstream has no named locks: a drainer that is replaced by another while it "
          "is stopped could still run a ddl",
          {{"error", taken.error()}});
      return {};
    }
    // Who asked before it was replaced may have got it afterwards.
    if (*taken == "1") return owned.check_owner(session);
    ASSIGN_OR_RETURN(const bool is_free, end_idle_holder(session));
    if (!is_free && !std::exchange(is_logged, true)) {
      log_warn("waiting for a ddl that another session runs", {{"lock", name_}});
    }
    if (!clock.sleep_for(kPause, stop)) return make_error(ErrorCode::kStopped, "stopped");
  }
}

Result<bool> DdlLock::end_idle_holder(Session& session) const {
  ASSIGN_OR_RETURN(const auto holder,
                   session.query(fmt::format("SELECT id, command FROM "
                                             "information_schema.processlist WHERE id="
                                             "IS_USED_LOCK({})",
                                             name_)));
  if (holder.empty()) return true;
  if (holder[0][1] != "Sleep") return false;
  const std::string id = holder[0][0].value_or("");
  log_warn("ending an idle session that may run ddl", {{"id", id}, {"lock", name_}});
  // It may be gone by now.
  auto killed = session.execute("KILL " + id);
  if (!killed.ok() && is_lost(killed.error())) return std::move(killed).error();
  return true;
}

}  // namespace drainer::mysql
