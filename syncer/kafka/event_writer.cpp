#include "syncer/kafka/event_writer.h"

#include <utility>

namespace drainer::kafka {

Result<void> EventWriter::write(const Txn& txn, const Send& send) {
  if (txn.is_ddl()) {
    if (!txn.ddl->should_skip) TRY(write_ddl(txn, send));
  } else if (!txn.rows.empty()) {
    if (Result<void> written = write_rows(txn, send); !written.ok()) {
      return std::move(written).error().because("commit ts {}", txn.commit_ts);
    }
  }
  written_ = txn.commit_ts;
  return is_time_for_watermarks() ? write_watermarks(send) : Result<void>();
}

Result<void> EventWriter::finish(const Send& send) {
  const bool has_more = written_ > watermark_ts_ && options_.watermark_interval_ms > 0;
  return has_more ? write_watermarks(send) : Result<void>();
}

Result<void> EventWriter::write_ddl(const Txn& txn, const Send& send) {
  tables_.clear();
  format_->forget_tables();
  for (const DdlEvent& ddl : ddl_events(txn)) {
    EventMessage message;
    // A rename stands behind the rows that the table has had.
    ASSIGN_OR_RETURN(message.to, router_.find_ddl(ddl.old_name.value_or(ddl.name)));
    int32_t partitions = 1;
    if (format_->sends_ddl_to_all_partitions()) {
      ASSIGN_OR_RETURN(partitions, router_.partitions_of(message.to.topic));
    }
    std::string key;
    if (format_->append_ddl_key(key, ddl)) message.key = std::move(key);
    format_->append_ddl(message.value, ddl, clock_.unix_ms());
    for (; message.to.partition < partitions; ++message.to.partition) TRY(send(message));
  }
  return {};
}

Result<void> EventWriter::for_each_event(const Txn& txn,
                                         const std::function<Result<void>(const RowEvent&)>& call) {
  for (const RowChange& row : txn.rows) {
    const EventTable& table = tables_.find(txn.tables[row.table]);
    const auto values = txn.new_values(row);
    const auto old_values = txn.old_values(row);
    const bool is_update = row.kind == RowKind::kUpdate;
    if (is_update && changes_unique_key(table, values, old_values)) {
      TRY(call({txn, table, RowKind::kDelete, old_values, {}, is_update}));
      TRY(call({txn, table, RowKind::kInsert, values, {}, is_update}));
    } else {
      TRY(call({txn, table, row.kind, values, old_values, is_update}));
    }
  }
  return {};
}

Result<void> EventWriter::count_rows(const Txn& txn) {
  rows_by_destination_.clear();
  return for_each_event(txn, [this](const RowEvent& row) -> Result<void> {
    ASSIGN_OR_RETURN(const Destination to, router_.find(row));
    ++rows_by_destination_[to];
    return {};
  });
}

Result<void> EventWriter::write_rows(const Txn& txn, const Send& send) {
  if (options_.transaction_markers) {
    TRY(count_rows(txn));
    TRY(write_markers(txn, /*is_end=*/false, send));
  }
  const size_t rows_max =
      format_->takes_many_rows() ? static_cast<size_t>(options_.rows_per_message) : 1;
  pending_.clear();
  const auto add = [&](const RowEvent& row) -> Result<void> {
    ASSIGN_OR_RETURN(const Destination to, router_.find(row));
    ASSIGN_OR_RETURN(std::optional<std::string> key, key_of(row));
    // Rows of one message have the same columns and its key: a compacted topic keeps one per key.
    const bool continues = !pending_.empty() && pending_.size() < rows_max &&
                           &pending_[0].table == &row.table && pending_[0].kind == row.kind &&
                           pending_[0].is_of_update == row.is_of_update && pending_to_ == to &&
                           pending_key_ == key;
    if (!continues) TRY(flush(send));
    pending_to_ = to;
    pending_key_ = std::move(key);
    pending_.push_back(row);
    return {};
  };
  TRY(for_each_event(txn, add));
  TRY(flush(send));
  if (options_.transaction_markers) TRY(write_markers(txn, /*is_end=*/true, send));
  return {};
}

Result<std::optional<std::string>> EventWriter::key_of(const RowEvent& row) {
  std::string key;
  ASSIGN_OR_RETURN(bool has_key, router_.append_key(key, row));
  if (!has_key) {
    ASSIGN_OR_RETURN(has_key, format_->append_key(key, row));
  }
  return has_key ? std::optional(std::move(key)) : std::nullopt;
}

Result<void> EventWriter::flush(const Send& send) {
  if (pending_.empty()) return {};
  EventMessage message{.to = pending_to_, .key = std::move(pending_key_), .value = {}};
  TRY(format_->append_rows(message.value, pending_, clock_.unix_ms()));
  pending_.clear();
  return send(std::move(message));
}

Result<void> EventWriter::write_markers(const Txn& txn, bool is_end, const Send& send) {
  for (const auto& [to, rows] : rows_by_destination_) {
    EventMessage message{.to = to, .key = std::nullopt, .value = {}};
    format_->append_marker(message.value, txn, is_end, rows, clock_.unix_ms());
    TRY(send(std::move(message)));
  }
  return {};
}

bool EventWriter::wants_topics_in_use() const {
  return options_.tidb_extension && options_.watermark_interval_ms > 0 &&
         !options_.topic_template.empty();
}

bool EventWriter::is_time_for_watermarks() const {
  if (options_.watermark_interval_ms <= 0) return false;
  const auto interval = std::chrono::milliseconds(options_.watermark_interval_ms);
  return !last_watermark_ || clock_.now() - *last_watermark_ >= interval;
}

Result<void> EventWriter::write_watermarks(const Send& send) {
  last_watermark_ = clock_.now();
  watermark_ts_ = written_;
  EventMessage message;
  if (!format_->append_watermark(message.value, written_, clock_.unix_ms())) return {};
  std::string key;
  if (format_->append_watermark_key(key)) message.key = std::move(key);
  return router_.for_each_partition([&](const Destination& to) {
    message.to = to;
    return send(message);
  });
}

}  // namespace drainer::kafka
