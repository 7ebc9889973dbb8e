#include "drainer/rules.h"

#include <set>
#include <string>

#include "drainer/base/log.h"
#include "drainer/downstream_progress.h"
#include "loopback/mark_table.h"
#include "syncer/checkpoint/open_checkpoint.h"
#include "syncer/mysql/progress_table.h"
#include "syncer/mysql/rows/conflict_resolver.h"

namespace drainer {

namespace {

// The progress of a drainer that writes to our upstream would meet our own downstream: no rows to
// update, or ours. The original does not know these tables.
void ignore_own_tables(const Options& options, SyncerRules& rules) {
  const std::string schema = checkpoint_schema(options);
  rules.own_schemas = {schema};
  std::set<std::string> tables = {std::string(mysql::kProgressTableName),
                                  progress_table(options).table,
                                  std::string(mysql::kConflictTableName)};
  // What drainers write for themselves goes without a mark, so the one of the opposite direction
  // would take it for changes of users. FIX: the original needs an ignore-table rule for it.
  if (options.syncer.loopback_control) tables.insert(checkpoint_table(options));
  for (const std::string& table : tables) {
    if (!rules.table_filter.ignore({schema, table})) continue;
    log_info("a table of the drainers themselves is not replicated",
             {{"table", fmt::format("{}.{}", schema, table)}});
  }
  if (!options.syncer.loopback_control) return;
  rules.own_schemas.emplace_back(loopback::kMarkSchema);
  // Downstream it is the sink's own. FIX: the original replicates the marks of other channels.
  (void)rules.table_filter.ignore(
      {std::string(loopback::kMarkSchema), std::string(loopback::kMarkTable)});
}

}  // namespace

Result<SyncerRules> make_rules(const Options& options) {
  const SyncerOptions& syncer = options.syncer;
  SyncerRules rules;
  ASSIGN_OR_RETURN(rules.table_filter, schema::TableFilter::make(syncer));
  ASSIGN_OR_RETURN(rules.event_filter, schema::EventFilter::make(syncer));
  if (syncer.loopback_control) {
    rules.mark_filter = loopback::MarkFilter(syncer.channel_id, syncer.channel_ids);
  }
  if (is_database(syncer.db_type) || syncer.loopback_control) ignore_own_tables(options, rules);
  rules.ignored_commit_ts.insert(syncer.ignore_txn_commit_ts.begin(),
                                 syncer.ignore_txn_commit_ts.end());
  rules.sync_ddl = syncer.sync_ddl;
  rules.until = CommitTs(options.syncer.apply.until_commit_ts);
  return rules;
}

void set_ddl_rules(const Options& options, schema::Schema& schema) {
  const DownstreamOptions& to = options.syncer.to;
  const bool has_format_of_original =
      options.syncer.db_type == "file" ||
      (options.syncer.db_type == "kafka" && to.kafka.protocol == KafkaProtocol::kBinlog);
  schema.set_shows_original_errors(has_format_of_original && to.original_errors);
  schema.set_unknown_ddl_action(options.syncer.apply.unknown_ddl_job);
}

}  // namespace drainer
