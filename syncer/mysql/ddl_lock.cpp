#include "syncer/mysql/ddl_lock.h"

#include <utility>

#include "drainer/base/crc32c.h"
#include "drainer/base/log.h"
#include "syncer/mysql/progress_row.h"
#include "syncer/mysql/session/failure.h"

namespace drainer::mysql {
namespace {

/// Besides the second that the server lets GET_LOCK wait.
constexpr Duration kPause = std::chrono::milliseconds(100);

}  // namespace

// The table's name alone may be as long as the server lets a lock's be.
DdlLock::DdlLock(ProgressTable::Id id)
    : id_(std::move(id)),
      lock_(fmt::format("drainer ddl {} {:08x}", id_.cluster_id,
                        crc32c(id_.table.schema + "." + id_.table.table))) {}

Result<void> DdlLock::take(Session& session, Clock& clock, const StopToken& stop) const {
  const ProgressRow owned(id_, 0);
  bool is_logged = false;
  while (true) {
    TRY(owned.check_owner(session));
    const auto taken = lock_.try_take(session);
    if (!taken.ok() && is_lost(taken.error())) return taken.error();
    if (!taken.ok()) {
      log_warn(
          "the downstream has no named locks: a drainer that is replaced by another while it "
          "is stopped could still run a ddl",
          {{"error", taken.error()}});
      return {};
    }
    // Who asked before it was replaced may have got it afterwards.
    if (*taken) return owned.check_owner(session);
    ASSIGN_OR_RETURN(const bool is_free, lock_.end_idle_holder(session));
    if (!is_free && !std::exchange(is_logged, true)) {
      log_warn("waiting for a ddl that another session runs", {{"cluster", id_.cluster_id}});
    }
    if (!clock.sleep_for(kPause, stop)) return stopped();
  }
}

}  // namespace drainer::mysql
