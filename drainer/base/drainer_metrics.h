#pragma once

#include <string_view>

#include "drainer/base/metrics.h"

/// The metric families of the original, under its names, labels and buckets
/// (spec/drainer-process.md 7), and behind them those that only this program has, `drainer_…`; in
/// the registry that /metrics shows.
///
/// A series appears on the page once it has been asked for; keep the reference where it is used
/// often. Any thread.
namespace drainer::metric {

/// Unix milliseconds of the last received ts of a pump.
Gauge& pump_position(std::string_view node_id);
/// DDL jobs fetched and kept.
Counter& ddl_jobs_total();
/// `type`: unmarshal_binlog.
Counter& error_count(std::string_view type);
/// Row changes and DDLs handed to the writer, and saves: Insert, Update, Delete, DDL, savepoint.
Counter& event(std::string_view type);
/// Unix milliseconds of the checkpoint.
Gauge& checkpoint_tso();
/// Now minus commit time, in seconds, on each progress.
Histogram& checkpoint_delay_seconds();
/// Seconds to hand one item to the writer.
Histogram& execute_duration_time();
/// Seconds of one statement: exec, commit. Not the original's update_mark_table: marks are written
/// in one packet with the rows, which counts as exec.
Histogram& query_duration_time(std::string_view type);
/// Receive time minus commit time, in seconds, per message.
Histogram& binlog_reach_duration_time(std::string_view node_id);
/// Payload bytes per message.
Histogram& read_binlog_size(std::string_view node_id);
/// syncer_input, worker_0 … worker_9.
Gauge& queue_size(std::string_view name);
/// FIX: the original counts them, but shows them nowhere.
Counter& disorder_binlog_count();

/// Of the files of db-type file and of the relay log; the original's only label is "local". Not its
/// read_binlog_duration_time: what reads files ends before a page could show it.
Histogram& binlogfile_write_binlog_size();
Histogram& binlogfile_write_binlog_duration_time();
Counter& binlogfile_corruption_binlog_count();

/// Unix milliseconds of the commit ts up to which all is durable.
Gauge& applied_ts_ms();
/// Row changes durable downstream.
Counter& applied_rows_total();
/// Row changes left out that TiDB has written twice while it reorganized partitions.
Counter& double_writes_total();
/// Times that a pump began long after what it was asked for.
Counter& pump_gaps_total();

/// From the receipt of a transaction's binlog to its commit downstream, in seconds.
Histogram& mysql_commit_latency_seconds();
/// Downstream transactions that had to be tried again.
Counter& mysql_retries_total();
/// With commit-order: groups that were rolled back since they were written before their turn.
Counter& mysql_turn_conflicts_total();
/// Pieces of upstream transactions that were too large for one downstream transaction.
Counter& mysql_cut_transactions_total();
/// Transactions that an earlier run had applied above its low-water mark.
Counter& mysql_skipped_transactions_total();
/// Downstream transactions and DDLs that took five seconds or longer.
Counter& mysql_slow_total();
/// DDL ignored because its database or table does not exist downstream.
Counter& mysql_ddl_ignored_missing_total();
/// UPDATEs and DELETEs that did not find their row.
Counter& mysql_row_mismatches_total(std::string_view table);
/// Row changes that did not find what was changed upstream. `resolution`: applied, skipped.
Counter& mysql_conflicts_total(std::string_view table, std::string_view resolution);

/// Creates the series that the page shows from the start: all those without labels.
void create_at_start();

/// Takes the series of a pump that has gone offline off the page. No reference to them may be in
/// use.
void forget_pump(std::string_view node_id);

}  // namespace drainer::metric
