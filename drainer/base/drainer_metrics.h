#pragma once

#include <string_view>

#include "drainer/base/metrics.h"

/// The metric families of the original, under its names, labels and buckets
/// (spec/drainer-process.md 7), in the registry that /metrics shows.
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

/// Creates the series that the page shows from the start: all those without labels.
void create_at_start();

/// Takes the series of a pump that has gone offline off the page. No reference to them may be in
/// use.
void forget_pump(std::string_view node_id);

}  // namespace drainer::metric
