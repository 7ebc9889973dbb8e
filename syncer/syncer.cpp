#include "syncer/syncer.h"

#include <algorithm>
#include <map>
#include <utility>

#include "drainer/base/ascii.h"
#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"
#include "syncer/passing_ddl.h"

namespace drainer {

namespace {

constexpr size_t kTablesKnownMax = 10'000;

// A kind shows among the metrics once it has come.
void count_rows(const Txn& txn) {
  double kinds[3] = {};
  for (const RowChange& row : txn.rows) kinds[static_cast<size_t>(row.kind)] += 1;
  if (kinds[0] > 0) {
    static Counter& inserts = metric::event("Insert");
    inserts.add(kinds[0]);
  }
  if (kinds[1] > 0) {
    static Counter& updates = metric::event("Update");
    updates.add(kinds[1]);
  }
  if (kinds[2] > 0) {
    static Counter& deletes = metric::event("Delete");
    deletes.add(kinds[2]);
  }
}

std::string how_to_go_on(CommitTs commit_ts) {
  return fmt::format(
      "commit ts {} (to go on without this transaction and what does not fit, run what is needed "
      "downstream and add the commit ts to `ignore-txn-commit-ts`)",
      commit_ts);
}

Histogram& submit_seconds() {
  static Histogram& histogram = metric::execute_duration_time();
  return histogram;
}

}  // namespace

RowFilter row_filter_of(const SyncerRules& rules) {
  RowFilter filter;
  // Patterns and letter case cost more than a look at what they said before.
  filter.keeps_table =
      [&rules, known = std::map<schema::TableName, bool>()](const schema::TableName& name) mutable {
        if (known.size() > kTablesKnownMax) known.clear();
        const auto [it, is_new] = known.try_emplace(name);
        if (is_new) it->second = !rules.table_filter.skips(name);
        return it->second;
      };
  if (!rules.event_filter.empty()) {
    filter.keeps_kind = [&rules](const schema::TableName& name, RowKind kind) {
      return !rules.event_filter.ignores_event(name, to_string(kind));
    };
  }
  return filter;
}

Syncer::Syncer(BoundedQueue<tidb::BinlogItem>& input, schema::Schema& schema,
               const SyncerRules& rules, Sink& sink, CommitTs start, Clock& clock)
    : input_(input),
      schema_(schema),
      rules_(rules),
      sink_(sink),
      clock_(clock),
      row_filter_(row_filter_of(rules)),
      last_(start),
      last_submitted_(start) {}

Result<void> Syncer::run(const StopToken& stop) {
  Result<void> result = run_until_stopped(stop);
  sink_.close();
  return result;
}

Result<void> Syncer::run_until_stopped(const StopToken& stop) {
  Gauge& waiting = metric::queue_size("syncer_input");
  while (std::optional<tidb::BinlogItem> item = input_.pop(stop)) {
    waiting.set(static_cast<double>(input_.size()));
    const CommitTs commit_ts = item->binlog().commit_ts;
    if (commit_ts <= last_) continue;
    if (rules_.until.value > 0 && commit_ts > rules_.until) {
      log_info("until-commit-ts is reached", {{"until", rules_.until}, {"commit ts", commit_ts}});
      return {};
    }
    last_ = commit_ts;
    TRY(handle(std::move(*item), stop));
    if (on_handled_) on_handled_(schema_, commit_ts);
  }
  return {};
}

Result<void> Syncer::handle(tidb::BinlogItem item, const StopToken& stop) {
  const tidb::BinlogView& binlog = item.binlog();
  if (binlog.is_fake()) return submit(progress_only(binlog), stop);
  if (!binlog.is_ddl()) return handle_dml(std::move(item), stop);
  if (sink_.wants_ddl_before_rows()) {
    // The schema takes what lies below the job's version, or rows would come before its DDL.
    TRY(submit_early_changes(binlog, SchemaVersion(item.ddl_job()->schema_version.value - 1),
                             stop));
  }
  ASSIGN_OR_RETURN(Txn txn,
                   translate_ddl(binlog, item.ddl_job(), binlog.ddl_query, Arrival::kWithBinlog));
  return submit(std::move(txn), stop);
}

Result<void> Syncer::submit(Txn txn, const StopToken& stop) {
  const CommitTs commit_ts = txn.commit_ts;
  const bool is_progress = txn.is_progress();
  count_rows(txn);
  const TimePoint begun = clock_.now();
  Result<void> submitted = sink_.submit(std::move(txn), stop);
  submit_seconds().observe(std::chrono::duration<double>(clock_.now() - begun).count());
  if (!submitted.ok() && submitted.error().code() != ErrorCode::kStopped) {
    return std::move(submitted).error().because("add to dsyncer, commit ts {}", commit_ts);
  }
  if (is_progress) last_submitted_ = commit_ts;
  return submitted;
}

Result<void> Syncer::handle_dml(tidb::BinlogItem item, const StopToken& stop) {
  const tidb::BinlogView& binlog = item.binlog();
  Result<tidb::PrewriteView> prewrite = tidb::parse_prewrite(binlog.prewrite_value);
  if (!prewrite.ok()) {
    return std::move(prewrite).error().because("prewrite of commit ts {} Unmarshal failed",
                                               binlog.commit_ts);
  }
  if (sink_.wants_ddl_before_rows()) {
    // A schema that was loaded as a snapshot decodes older rows with the change, too.
    TRY(submit_early_changes(binlog, std::max(prewrite->schema_version, schema_.version()), stop));
  }
  if (rules_.ignored_commit_ts.contains(binlog.commit_ts.value)) {
    schema_.advance_past_misfits(prewrite->schema_version);
    log_warn("skip txn", {{"commit ts", binlog.commit_ts}});
    return submit(progress_only(binlog), stop);
  }
  if (Result<void> advanced = schema_.advance_to(prewrite->schema_version); !advanced.ok()) {
    return std::move(advanced).error().because("handlePreviousDDLJobIfNeed failed, {}",
                                               how_to_go_on(binlog.commit_ts));
  }
  ASSIGN_OR_RETURN(loopback::MarksFound marks, rules_.mark_filter.find_marks(*prewrite, schema_));
  if (marks.is_sync_ddl_note) TRY(check_note(binlog.commit_ts));
  if (marks.stops_here) return submit(progress_only(binlog), stop);
  const bool hands_on_marks = rules_.mark_filter.hands_on_marks();
  for (const int64_t channel : marks.other_channels) {
    if (!hands_on_marks) warn_of_channel(channel, binlog.commit_ts);
  }
  std::vector<NewerColumn> newer;
  const bool looks = sink_.wants_ddl_before_rows();
  ASSIGN_OR_RETURN(Txn txn, translate_dml(std::move(item), *prewrite, schema_, sink_.time_zone(),
                                          row_filter_, looks ? &newer : nullptr));
  if (!newer.empty()) {
    const tidb::BinlogView view = txn.item->binlog();
    ASSIGN_OR_RETURN(const bool is_found,
                     find_newer_changes(newer, view, prewrite->schema_version, stop));
    if (is_found || std::ranges::any_of(newer, &NewerColumn::is_required)) {
      ASSIGN_OR_RETURN(txn, translate_dml(*std::move(txn.item), *prewrite, schema_,
                                          sink_.time_zone(), row_filter_));
    }
  }
  if (hands_on_marks && !txn.is_empty()) txn.marks = std::move(marks.other_channels);
  return submit(std::move(txn), stop);
}

Result<void> Syncer::check_note(CommitTs commit_ts) const {
  if (!rules_.sync_ddl || !rules_.started_at || commit_ts <= *rules_.started_at) return {};
  return make_error(ErrorCode::kInvalid,
                    "the drainer of the opposite direction has started with sync-ddl = true, as "
                    "this one, at commit ts {}: each would send back the DDL of the other; set "
                    "sync-ddl = false in one of them",
                    commit_ts);
}

Result<bool> Syncer::find_newer_changes(const std::vector<NewerColumn>& columns,
                                        const tidb::BinlogView& binlog, SchemaVersion version,
                                        const StopToken& stop) {
  if (!find_newer_jobs_) return false;
  bool is_found = false;
  for (const NewerColumn& column : columns) {
    SchemaVersion& checked = newer_checked_[{column.table, column.column}];
    if (checked >= version) continue;
    const auto explains_it = [&](const tidb::TableInfo& table) { return explains(table, column); };
    // Of a job that waits the binlog comes by itself, or a row of the version that needs it.
    ASSIGN_OR_RETURN(const bool is_awaited, schema_.any_pending(column.table, explains_it));
    if (!is_awaited) {
      auto jobs = find_newer_jobs_(column, schema_.known_jobs(), stop);
      if (!jobs.ok()) return std::move(jobs).error().because("commit ts {}", binlog.commit_ts);
      for (std::shared_ptr<const tidb::DdlJob>& job : *jobs) {
        is_found |= job->public_since() <= version;
        schema_.add_pending(std::move(job));
      }
    }
    if (column.is_proof) {
      ASSIGN_OR_RETURN(const bool is_public,
                       schema_.bring_forward(column.table, explains_it, version));
      is_found |= is_public;
    }
    checked = version;
  }
  if (is_found) TRY(submit_early_changes(binlog, version, stop));
  return is_found;
}

Result<void> Syncer::submit_early_changes(const tidb::BinlogView& binlog, SchemaVersion version,
                                          const StopToken& stop) {
  ASSIGN_OR_RETURN(const auto jobs, schema_.early_changes(version, binlog.commit_ts));
  int64_t commit_ts = binlog.commit_ts.value - static_cast<int64_t>(jobs.size());
  for (const std::shared_ptr<const tidb::DdlJob>& job : jobs) {
    if (job->id == binlog.ddl_job_id) continue;
    tidb::BinlogView early;
    early.start_ts = job->start_ts;
    early.commit_ts = CommitTs(commit_ts++);
    log_info("rows come before the binlog of their DDL: it is executed first",
             {{"job", job->id}, {"sql", job->query}, {"commit ts", binlog.commit_ts}});
    ASSIGN_OR_RETURN(Txn txn, translate_ddl(early, job, job->query, Arrival::kEarly));
    if (!txn.is_ddl()) continue;
    txn.ddl->is_early = true;
    TRY(submit(std::move(txn), stop));
  }
  return {};
}

Result<Txn> Syncer::translate_ddl(const tidb::BinlogView& binlog,
                                  const std::shared_ptr<const tidb::DdlJob>& job,
                                  std::string_view text, Arrival arrival) {
  if (rules_.ignored_commit_ts.contains(binlog.commit_ts.value)) {
    log_warn("skip txn", {{"commit ts", binlog.commit_ts}, {"sql", text}});
    schema_.skip_ddl(job);
    return progress_only(binlog);
  }
  Result<schema::DdlEffect> applied =
      arrival == Arrival::kEarly ? schema_.apply_early(job) : schema_.apply_ddl(job);
  if (!applied.ok()) {
    const bool is_told = applied.error().code() == ErrorCode::kUnsupported;
    return std::move(applied).error().because(
        "{}: DDL job {}",
        is_told ? fmt::format("commit ts {}", binlog.commit_ts) : how_to_go_on(binlog.commit_ts),
        job->id);
  }
  schema::DdlEffect effect = std::move(applied).value();
  if (effect.action == schema::DdlEffect::Action::kIgnore) {
    log_info(effect.reason, {{"job", job->id}, {"sql", text}, {"commit ts", binlog.commit_ts}});
    return progress_only(binlog);
  }
  const LogFields where = {{"schema", effect.name.schema},
                           {"table", effect.name.table},
                           {"sql", text},
                           {"commit ts", binlog.commit_ts}};
  if (drops_own_schema(rules_.own_schemas, effect, text)) {
    log_warn(kKeepsOwnSchema, where);
    return progress_only(binlog);
  }
  const bool is_exchange = job->type == tidb::DdlType::kExchangeTablePartition;
  if (is_exchange && rules_.sync_ddl && !schema_.shows_original_errors() &&
      !rules_.event_filter.ignores_ddl(effect.name, job->query)) {
    if (Result<void> known = check_exchange(rules_.table_filter, effect); !known.ok()) {
      return std::move(known).error().because("commit ts {}: DDL job {}", binlog.commit_ts,
                                              job->id);
    }
  }
  // Without `sync-ddl` the filter is not asked, so that the sink forgets what it knows of the
  // table.
  std::optional<std::string> passing =
      rules_.sync_ddl ? passing_text(job->type, effect, text) : std::string(text);
  if (!passing) {
    log_info("skip ddl by block allow filter", where);
    return progress_only(binlog);
  }
  bool should_skip = false;
  if (!rules_.sync_ddl) {
    log_info("skip ddl by SyncDDL setting to false", where);
    should_skip = true;
  } else if (rules_.event_filter.ignores_ddl(effect.name, job->query)) {
    log_info("skip ddl by binlog event filter", where);
    should_skip = true;
  }
  log_info(
      "add ddl item to syncer, you can add this commit ts to `ignore-txn-commit-ts` to skip this "
      "ddl if needed",
      {{"sql", text}, {"commit ts", binlog.commit_ts}, {"shouldSkip", should_skip}});
  metric::event("DDL").add();
  Txn txn = progress_only(binlog);
  txn.ddl = std::make_unique<Ddl>(Ddl{.effect = std::move(effect),
                                      .text = *std::move(passing),
                                      .should_skip = should_skip,
                                      .job_id = job->id,
                                      .clock = find_ddl_clock(*job, text)});
  return txn;
}

std::optional<std::string> Syncer::passing_text(tidb::DdlType type, schema::DdlEffect& effect,
                                                std::string_view text) const {
  const schema::TableFilter& filter = rules_.table_filter;
  // The original judges the whole text by the last table.
  const bool is_whole = schema_.shows_original_errors();
  if (type == tidb::DdlType::kCreateTables && !is_whole) {
    return passing_creates(filter, effect, effect.touched, text);
  }
  if ((type == tidb::DdlType::kRenameTables && !is_whole) || type == tidb::DdlType::kRenameTable) {
    return passing_renames(filter, effect, text);
  }
  return filter.skips(effect.name) ? std::nullopt : std::optional(std::string(text));
}

void Syncer::warn_of_channel(int64_t channel, CommitTs commit_ts) {
  if (!other_channels_.insert(channel).second) return;
  log_warn(
      "transactions marked with another channel are replicated; if it is the drainer of the "
      "opposite direction that writes them they go in circles: both need the same channel-id",
      {{"channel", channel}, {"first commit ts", commit_ts}});
}

Txn Syncer::progress_only(const tidb::BinlogView& binlog) const {
  Txn txn;
  txn.commit_ts = binlog.commit_ts;
  txn.start_ts = binlog.start_ts;
  txn.schema_version = schema_.version();
  return txn;
}

}  // namespace drainer
