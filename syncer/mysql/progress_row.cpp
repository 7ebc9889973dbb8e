#include "syncer/mysql/progress_row.h"

#include <utility>

#include "syncer/mysql/progress_sql.h"
#include "syncer/mysql/session/failure.h"

namespace drainer::mysql {

ProgressRow::ProgressRow(ProgressTable::Id id, size_t worker)
    : id_(std::move(id)),
      session_lock_(session_lock(id_, std::to_string(worker), id_.owner)),
      table_(table_of(id_.table)),
      where_(fmt::format(" WHERE cluster_id={} AND worker={}", id_.cluster_id, worker)) {}

Result<AppliedState> ProgressRow::renew(Session& session) {
  if (!session.is_tidb()) {
    // Without it a take-over waits until the server itself ends what this session has open.
    const auto locked = session_lock_.try_take(session);
    if (!locked.ok() && is_lost(locked.error())) return locked.error();
  }
  const std::string mine = fmt::format("{} AND owner={}", where_, quoted(id_.owner));
  ASSIGN_OR_RETURN(const uint64_t raised,
                   session.execute(fmt::format("UPDATE {} SET epoch=epoch+1{}", table_, mine)));
  if (raised != 1) return fenced_error(session);
  ASSIGN_OR_RETURN(const auto rows, session.query(fmt::format("SELECT {}, epoch FROM {}{}",
                                                              kStateFields, table_, mine)));
  if (rows.empty()) return fenced_error(session);
  epoch_ = number_of<uint64_t>(rows[0][3]);
  return parse_state(rows[0]);
}

Result<void> ProgressRow::check_owner(Session& session) const {
  ASSIGN_OR_RETURN(const auto rows, session.query(fmt::format("SELECT 1 FROM {}{} AND owner={}",
                                                              table_, where_, quoted(id_.owner))));
  return rows.empty() ? Result<void>(fenced_error(session)) : Result<void>();
}

std::string ProgressRow::update_text(const AppliedState& state) const {
  return fmt::format("UPDATE {} SET {}{} AND epoch={}", table_, state_assignments(state), where_,
                     epoch_);
}

Error ProgressRow::fenced_error(Session& session) const {
  auto owner = session.query(fmt::format("SELECT owner FROM {}{}", table_, where_));
  if (!owner.ok()) return std::move(owner).error();
  if (owner->empty()) {
    return make_error(ErrorCode::kConflict,
                      "the row of cluster {} in {} is gone: another drainer with fewer workers has "
                      "taken over, or somebody has removed it; this one ({}) stops",
                      id_.cluster_id, table_, id_.owner);
  }
  return make_error(
      ErrorCode::kConflict,
      "another drainer ({}) has taken over cluster {} on this downstream; this one ({}) stops",
      (*owner)[0][0].value_or(""), id_.cluster_id, id_.owner);
}

}  // namespace drainer::mysql
