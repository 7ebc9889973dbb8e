#include "drainer/pair_checks.h"

#include <fmt/format.h>

#include "drainer/base/log.h"
#include "loopback/mark_filter.h"
#include "syncer/mysql/session/downstream.h"

namespace drainer {

namespace {

void log_settings(const SyncerOptions& syncer) {
  const std::string channels = fmt::format("[{}]", fmt::join(syncer.channel_ids, ", "));
  log_info(
      syncer.channel_ids.empty()
          ? "loopback control: the drainer of the opposite direction needs the same channel, and "
            "only one of both may replicate DDL"
          : "loopback control: what carries a mark of these channels stops here, other marks stay",
      {{"channel-id", syncer.channel_id},
       {"channel-ids", channels},
       {"sync-ddl", syncer.sync_ddl}});
  if (syncer.to.sync_mode == mysql::kSyncModePartialColumns) return;
  log_warn(
      "loopback control: while a DDL is on its way the two schemas differ, which sync-mode 2 "
      "is made for",
      {{"sync-mode", syncer.to.sync_mode}});
}

}  // namespace

Result<void> check_pair(const SyncerOptions& syncer, const schema::Schema& schema,
                        cluster::Registry& registry, const std::string& node_id,
                        const StopToken& stop) {
  if (!syncer.loopback_control) return {};
  log_settings(syncer);
  ASSIGN_OR_RETURN(const bool has_marks, loopback::check_mark_table(schema));
  if (!has_marks) {
    log_info(
        "loopback control: the upstream has no mark table, so no drainer with "
        "loopback-control has written there yet");
  }
  ASSIGN_OR_RETURN(const auto drainers, registry.drainers(stop));
  for (const cluster::NodeStatus& drainer : drainers) {
    if (drainer.node_id == node_id || drainer.state != cluster::NodeState::kOnline) continue;
    log_warn(
        "loopback control: another drainer reads this cluster too; what it passes on must not come "
        "to our downstream by that way as well",
        {{"node", drainer.node_id}, {"address", drainer.host}});
  }
  return {};
}

}  // namespace drainer
