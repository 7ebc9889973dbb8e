#include "drainer/base/drainer_metrics.h"

namespace drainer::metric {

namespace {

constexpr std::string_view kPumpPosition = "binlog_drainer_pump_position";
constexpr std::string_view kReachDuration = "binlog_drainer_binlog_reach_duration_time";
constexpr std::string_view kReadSize = "binlog_drainer_read_binlog_size";

Labels label(std::string_view name, std::string_view value) {
  return {{std::string(name), std::string(value)}};
}

// From 50 microseconds to 6.5 seconds.
std::vector<double> duration_buckets() {
  return exponential_buckets(0.00005, 2, 18);
}

}  // namespace

Gauge& pump_position(std::string_view node_id) {
  return metrics().gauge(kPumpPosition, "position for each pump.", label("nodeID", node_id));
}

Counter& ddl_jobs_total() {
  return metrics().counter("binlog_drainer_ddl_jobs_total", "Total ddl jobs count been stored.");
}

Counter& error_count(std::string_view type) {
  return metrics().counter("binlog_drainer_error_count", "Total count of error type",
                           label("type", type));
}

Counter& event(std::string_view type) {
  return metrics().counter("binlog_drainer_event", "the count of sql event(dml, ddl).",
                           label("type", type));
}

Gauge& checkpoint_tso() {
  return metrics().gauge("binlog_drainer_checkpoint_tso", "save checkpoint tso of drainer.");
}

Histogram& checkpoint_delay_seconds() {
  return metrics().histogram("binlog_drainer_checkpoint_delay_seconds",
                             "How much the downstream checkpoint lag behind",
                             exponential_buckets(0.001, 2, 22));
}

Histogram& execute_duration_time() {
  return metrics().histogram(
      "binlog_drainer_execute_duration_time",
      "Bucketed histogram of processing time (s) of a execute to sync data to downstream.",
      duration_buckets());
}

Histogram& query_duration_time(std::string_view type) {
  return metrics().histogram(
      "binlog_drainer_query_duration_time",
      "Bucketed histogram of processing time (s) of a query to sync data to downstream.",
      duration_buckets(), label("type", type));
}

Histogram& binlog_reach_duration_time(std::string_view node_id) {
  return metrics().histogram(
      kReachDuration,
      "Bucketed histogram of how long the binlog take to reach drainer since it's committed",
      duration_buckets(), label("nodeID", node_id));
}

Histogram& read_binlog_size(std::string_view node_id) {
  return metrics().histogram(kReadSize, "Bucketed histogram of size of a binlog.",
                             exponential_buckets(16, 2, 25), label("nodeID", node_id));
}

Gauge& queue_size(std::string_view name) {
  return metrics().gauge("binlog_drainer_queue_size", "the size of queue", label("name", name));
}

Counter& disorder_binlog_count() {
  return metrics().counter("binlog_drainer_disorder_binlog_count",
                           "Total count of binlog which is disorder.");
}

Histogram& binlogfile_write_binlog_size() {
  return metrics().histogram("binlog_binlogfile_write_binlog_size", "write binlog size",
                             exponential_buckets(16, 2, 20), label("label", "local"));
}

Histogram& binlogfile_write_binlog_duration_time() {
  return metrics().histogram("binlog_binlogfile_write_binlog_duration_time",
                             "Bucketed histogram of write time (s) of a binlog.",
                             duration_buckets(), label("label", "local"));
}

Counter& binlogfile_corruption_binlog_count() {
  return metrics().counter("binlog_binlogfile_corruption_binlog_count", "corruption binlog count");
}

Gauge& applied_ts_ms() {
  return metrics().gauge("drainer_applied_ts_ms",
                         "Unix milliseconds of the commit ts up to which all is durable.");
}

Counter& applied_rows_total() {
  return metrics().counter("drainer_applied_rows_total", "Row changes durable downstream.");
}

Counter& double_writes_total() {
  return metrics().counter(
      "drainer_double_writes_total",
      "Row changes left out that TiDB has written twice while it reorganized partitions.");
}

Counter& pump_gaps_total() {
  return metrics().counter(
      "drainer_pump_gaps_total",
      "Times that a pump began more than an hour after what it was asked for, or went offline with "
      "more than it had sent: binlogs may be missing.");
}

Histogram& mysql_commit_latency_seconds() {
  return metrics().histogram(
      "drainer_mysql_commit_latency_seconds",
      "Time (s) from the receipt of a transaction's binlog to its commit downstream.",
      exponential_buckets(0.0005, 1.5, 30));
}

Counter& mysql_retries_total() {
  return metrics().counter("drainer_mysql_retries_total",
                           "Downstream transactions that had to be tried again.");
}

Counter& mysql_turn_conflicts_total() {
  return metrics().counter(
      "drainer_mysql_turn_conflicts_total",
      "With commit-order: groups of transactions that were rolled back since they were written "
      "before their turn, and one before them may have waited for their locks.");
}

Counter& mysql_cut_transactions_total() {
  return metrics().counter(
      "drainer_mysql_cut_transactions_total",
      "Pieces of upstream transactions that were too large for one downstream transaction.");
}

Counter& mysql_skipped_transactions_total() {
  return metrics().counter(
      "drainer_mysql_skipped_transactions_total",
      "Transactions that an earlier run had applied above its low-water mark.");
}

Counter& mysql_slow_total() {
  return metrics().counter("drainer_mysql_slow_total",
                           "Downstream transactions and DDLs that took five seconds or longer.");
}

Counter& mysql_ddl_ignored_missing_total() {
  return metrics().counter("drainer_mysql_ddl_ignored_missing_total",
                           "DDL ignored because its database or table does not exist downstream.");
}

Counter& mysql_row_mismatches_total(std::string_view table) {
  return metrics().counter("drainer_mysql_row_mismatches_total",
                           "UPDATEs and DELETEs that did not find their row.",
                           label("table", table));
}

Counter& mysql_conflicts_total(std::string_view table, std::string_view resolution) {
  return metrics().counter(
      "drainer_mysql_conflicts_total", "Row changes that did not find what was changed upstream.",
      {{"table", std::string(table)}, {"resolution", std::string(resolution)}});
}

void create_at_start() {
  ddl_jobs_total();
  checkpoint_tso();
  checkpoint_delay_seconds();
  execute_duration_time();
  disorder_binlog_count();
  binlogfile_corruption_binlog_count();
  applied_ts_ms();
  applied_rows_total();
  double_writes_total();
  pump_gaps_total();
  mysql_commit_latency_seconds();
  mysql_retries_total();
  mysql_turn_conflicts_total();
  mysql_cut_transactions_total();
  mysql_skipped_transactions_total();
  mysql_slow_total();
  mysql_ddl_ignored_missing_total();
}

void forget_pump(std::string_view node_id) {
  for (const std::string_view family : {kPumpPosition, kReachDuration, kReadSize}) {
    metrics().remove(family, label("nodeID", node_id));
  }
}

}  // namespace drainer::metric
