#include "conf/adjust.h"

#include <algorithm>
#include <utility>

#include "conf/environment.h"
#include "conf/go_text.h"
#include "conf/passwords.h"
#include "drainer/base/ascii.h"
#include "drainer/base/log.h"
#include "drainer/base/parse_number.h"

namespace drainer::conf {

namespace {

void set_if_empty(std::string& target, std::string value, std::string_view otherwise) {
  if (!target.empty()) return;
  target = value.empty() ? std::string(otherwise) : std::move(value);
}

void adjust_kafka(const Environment& environment, DownstreamOptions& to) {
  if (to.kafka_max_message_size <= 0) to.kafka_max_message_size = 1 << 30;
  set_if_empty(to.kafka_version, "", "0.8.2.0");
  set_if_empty(to.kafka_client_id, "", "tidb_binlog");
  if (to.zookeeper_addrs.empty()) {
    set_if_empty(to.kafka_addrs, environment("KAFKA_ADDRS").value_or(""), "127.0.0.1:9092");
  }
  if (to.kafka_max_messages <= 0) to.kafka_max_messages = 1024;
}

void adjust_database(const Environment& environment, Draft& draft) {
  DownstreamOptions& to = draft.options.syncer.to;
  set_if_empty(to.host, environment("MYSQL_HOST").value_or(""), "localhost");
  set_if_empty(to.user, environment("MYSQL_USER").value_or(""), "root");
  if (draft.to_port != 0) return;
  // Text that is no number counts as absent.
  const std::string text = environment("MYSQL_PORT").value_or("");
  const size_t sign = text.starts_with('+') ? 1 : 0;
  const int64_t port = parse_whole<int64_t>(std::string_view(text).substr(sign)).value_or(0);
  draft.to_port = port != 0 ? port : 3306;
}

/// A rule keeps row changes from the downstream, so that later ones may miss their row.
bool ignores_rows(const SyncerOptions& syncer) {
  const auto is_of_rows = [](const std::string& event) {
    const std::string folded = fold_case(event);
    return folded == "all" || folded == "all dml" || folded == "insert" || folded == "update" ||
           folded == "delete";
  };
  return std::ranges::any_of(syncer.binlog_filter_rule, [&](const auto& rule) {
    return std::ranges::any_of(rule.second.ignore_event, is_of_rows);
  });
}

void adjust_filters(Draft& draft) {
  SyncerOptions& syncer = draft.options.syncer;
  syncer.ignore_schemas = split(draft.ignore_schemas, ',');
  // KEEP: this lower-cases regular expressions too, where \D becomes \d.
  for (std::string& name : syncer.replicate_do_db) name = fold_case(name);
  for (TablePattern& table : syncer.replicate_do_table) {
    table.db_name = fold_case(table.db_name);
    table.tbl_name = fold_case(table.tbl_name);
  }
}

}  // namespace

void adjust(const Environment& environment, Draft& draft, Problems& problems) {
  Options& options = draft.options;
  SyncerOptions& syncer = options.syncer;
  DownstreamOptions& to = syncer.to;
  if (options.addr.empty()) options.addr = default_ip() + ":8249";
  set_if_empty(options.advertise_addr, "", options.addr);
  set_if_empty(options.data_dir, "", "data.drainer");
  if (options.detect_interval_s == 0) options.detect_interval_s = 5;
  if (syncer.db_type == "pb") syncer.db_type = "file";
  to.kafka_max_message_size = draft.kafka_max_message_size;
  to.read_timeout = draft.read_timeout.value;
  if (syncer.db_type == "kafka") {
    adjust_kafka(environment, to);
  } else if (syncer.db_type == "file" && to.dir.empty()) {
    to.dir = options.data_dir;
    log_info("use default downstream file directory", {{"directory", to.dir}});
  } else if (is_database(syncer.db_type)) {
    adjust_database(environment, draft);
  }
  take_passwords(environment, syncer, problems);
  // What they cut off is found out of range later.
  to.port = static_cast<uint16_t>(draft.to_port);
  to.checkpoint.port = static_cast<uint16_t>(draft.checkpoint_port);

  syncer.enable_dispatch = draft.dispatch.enabled();
  syncer.enable_detect = draft.detect.enabled();
  const bool is_written_whole = syncer.db_type == "file" || syncer.db_type == "kafka";
  if (is_written_whole || !syncer.enable_dispatch) syncer.worker_count = 1;
  // Without a meaning there, so that any is taken as in the original.
  if (is_written_whole) syncer.txn_batch = std::max<int64_t>(syncer.txn_batch, 1);
  if (syncer.relay.max_file_size <= 0) syncer.relay.max_file_size = RelayOptions{}.max_file_size;
  // Two clusters that are both written to may differ in a row for a while, or for ever; and so does
  // a downstream that by its rules does not get all changes.
  const bool may_differ = syncer.loopback_control || ignores_rows(syncer);
  syncer.apply.on_row_mismatch = draft.on_row_mismatch.value_or(
      may_differ ? RowMismatchAction::kWarn : RowMismatchAction::kStop);
  adjust_filters(draft);
}

}  // namespace drainer::conf
