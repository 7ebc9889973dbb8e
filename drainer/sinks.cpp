#include "drainer/sinks.h"

#include "drainer/downstream_progress.h"
#include "drainer/memory.h"
#include "syncer/checkpoint/open_checkpoint.h"
#include "syncer/file/file_sink.h"
#include "syncer/kafka/kafka_sink.h"
#include "syncer/mysql/mysql_sink.h"
#include "syncer/relay/relay_sink.h"

namespace drainer {

namespace {

void set_checkpoint(mysql::MysqlSinkOptions& options, const SavePoint& point, bool is_saved) {
  options.checkpoint_ts = point.commit_ts;
  options.is_consistent = point.consistent;
  options.has_checkpoint = is_saved;
}

Result<std::unique_ptr<Sink>> open_mysql_sink(const Options& options, const SinkStart& start,
                                              Clock& clock, const StopToken& stop) {
  mysql::MysqlSinkOptions sink_options;
  sink_options.syncer = options.syncer;
  sink_options.cluster_id = start.cluster_id;
  sink_options.progress_table = progress_table(options);
  set_checkpoint(sink_options, start.save_point, start.has_checkpoint);
  sink_options.is_start_given = start.is_start_given;
  if (start.checkpoint != nullptr) {
    sink_options.read_checkpoint = [&start](mysql::MysqlSinkOptions& read) -> Result<void> {
      ASSIGN_OR_RETURN(const std::optional<SavePoint> saved, start.checkpoint->load());
      if (saved && saved->commit_ts.value != 0) set_checkpoint(read, *saved, /*is_saved=*/true);
      return {};
    };
  }
  sink_options.safe_until = start.opened_at;
  sink_options.memory_bytes = share_memory(options.syncer.apply.memory_limit_mib).sink_bytes;
  sink_options.is_replay = start.is_replay;
  if (start.is_replay) sink_options.missing_columns = mysql::MissingColumns::kDrop;
  ASSIGN_OR_RETURN(std::unique_ptr<mysql::MysqlSink> sink,
                   mysql::MysqlSink::open(std::move(sink_options), clock, stop));
  const RelayOptions& relay = options.syncer.relay;
  if (relay.log_dir.empty() || start.is_replay) return std::unique_ptr<Sink>(std::move(sink));
  ASSIGN_OR_RETURN(
      std::unique_ptr<relay::RelaySink> logging,
      relay::RelaySink::open({.directory = relay.log_dir,
                              .file_bytes_max = static_cast<uint64_t>(relay.max_file_size),
                              .cluster_id = start.cluster_id,
                              .checkpoint = start.save_point.commit_ts,
                              .has_checkpoint = start.has_checkpoint},
                             std::move(sink), clock));
  return std::unique_ptr<Sink>(std::move(logging));
}

}  // namespace

Result<std::unique_ptr<Sink>> open_sink(const Options& options, const SinkStart& start,
                                        Clock& clock, const StopToken& stop) {
  const std::string& type = options.syncer.db_type;
  if (is_database(type)) return open_mysql_sink(options, start, clock, stop);
  if (type == "kafka") {
    kafka::KafkaSinkOptions sink_options;
    sink_options.to = options.syncer.to;
    sink_options.cluster_id = start.cluster_id;
    sink_options.checkpoint = start.save_point.commit_ts;
    sink_options.may_still_grow = !start.save_point.consistent;
    ASSIGN_OR_RETURN(std::unique_ptr<kafka::KafkaSink> sink,
                     kafka::KafkaSink::open(std::move(sink_options), clock, stop));
    return std::unique_ptr<Sink>(std::move(sink));
  }
  if (type == "file") {
    file::FileSinkOptions sink_options;
    sink_options.directory = options.syncer.to.dir;
    sink_options.retention_days = options.syncer.to.retention_time;
    sink_options.checkpoint = start.save_point.commit_ts;
    sink_options.sync = options.syncer.to.file_sync;
    ASSIGN_OR_RETURN(std::unique_ptr<file::FileSink> sink,
                     file::FileSink::open(std::move(sink_options), clock));
    return std::unique_ptr<Sink>(std::move(sink));
  }
  if (type == "oracle") {
    return Error(ErrorCode::kUnsupported,
                 "syncer.db-type oracle: accepted by the original, not supported here");
  }
  if (type == "flash") {
    return Error(ErrorCode::kUnsupported, "the flash DestDBType is no longer supported");
  }
  return make_error(ErrorCode::kUnsupported, "unknown DestDBType: {}", type);
}

}  // namespace drainer
