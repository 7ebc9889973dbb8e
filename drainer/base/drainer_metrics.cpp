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

void create_at_start() {
  ddl_jobs_total();
  checkpoint_tso();
  checkpoint_delay_seconds();
  execute_duration_time();
  disorder_binlog_count();
  binlogfile_corruption_binlog_count();
}

void forget_pump(std::string_view node_id) {
  for (const std::string_view family : {kPumpPosition, kReachDuration, kReadSize}) {
    metrics().remove(family, label("nodeID", node_id));
  }
}

}  // namespace drainer::metric
