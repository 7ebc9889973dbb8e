#include "drainer/replay_filter.h"

#include <algorithm>
#include <vector>

#include "drainer/base/log.h"
#include "syncer/passing_ddl.h"

namespace drainer {

void ReplayFilter::apply(Txn& txn) const {
  if (rules_.ignored_commit_ts.contains(txn.commit_ts.value)) {
    log_warn("skip txn", {{"commit ts", txn.commit_ts}});
    txn.ddl.reset();
    txn.rows.clear();
    return;
  }
  if (txn.ddl) {
    filter_ddl(txn);
  } else {
    filter_rows(txn);
  }
}

void ReplayFilter::filter_ddl(Txn& txn) const {
  Ddl& ddl = *txn.ddl;
  const LogFields where = {{"schema", ddl.effect.name.schema},
                           {"table", ddl.effect.name.table},
                           {"sql", ddl.text},
                           {"commit ts", txn.commit_ts}};
  if (drops_own_schema(rules_.own_schemas, ddl.effect, ddl.text)) {
    log_warn(kKeepsOwnSchema, where);
    txn.ddl.reset();
    return;
  }
  // As in the syncer: without `sync-ddl` the sink forgets what it knows of any table.
  std::optional<std::string> passing =
      rules_.sync_ddl ? passing_read_back(rules_.table_filter, ddl.effect, ddl.text) : ddl.text;
  if (!passing) {
    log_info("skip ddl by block allow filter", where);
    txn.ddl.reset();
    return;
  }
  ddl.text = *std::move(passing);
  if (!rules_.sync_ddl) {
    log_info("skip ddl by SyncDDL setting to false", where);
    ddl.should_skip = true;
  } else if (rules_.event_filter.ignores_ddl(ddl.effect.name, ddl.text)) {
    log_info("skip ddl by binlog event filter", where);
    ddl.should_skip = true;
  }
}

void ReplayFilter::filter_rows(Txn& txn) const {
  std::vector<bool> keeps_table;
  for (const auto& table : txn.tables) keeps_table.push_back(row_filter_.keeps_table(table->name));
  std::erase_if(txn.rows, [&](const RowChange& row) {
    return !keeps_table[row.table] ||
           (row_filter_.keeps_kind && !row_filter_.keeps_kind(txn.table_of(row).name, row.kind));
  });
}

}  // namespace drainer
