#include "syncer/kafka/event_router.h"

#include <zlib.h>

#include <cctype>
#include <utility>

#include "drainer/tidb/digits.h"
#include "syncer/kafka/json_text.h"

namespace drainer::kafka {

namespace {

constexpr size_t kTopicBytesMax = 249;

uint32_t crc_of(std::string_view word) {
  return static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(word.data()), static_cast<uInt>(word.size())));
}

void append_name(std::string& out, std::string_view name) {
  for (const char c : name) {
    const bool is_allowed =
        std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
    // One for each character, however many bytes it has.
    const bool is_continuation = (static_cast<unsigned char>(c) & 0xc0) == 0x80;
    if (!is_continuation) out += is_allowed ? c : '_';
  }
}

}  // namespace

std::string expand_topic(std::string_view pattern, const schema::TableName& name) {
  std::string out;
  while (!pattern.empty()) {
    if (pattern.starts_with("{schema}")) {
      append_name(out, name.schema);
      pattern.remove_prefix(8);
    } else if (pattern.starts_with("{table}")) {
      append_name(out, name.table);
      pattern.remove_prefix(7);
    } else {
      out += pattern[0];
      pattern.remove_prefix(1);
    }
  }
  if (out == ".") out = "_";
  if (out == "..") out = "__";
  return out.substr(0, kTopicBytesMax);
}

EventRouter::EventRouter(const KafkaOptions& options, std::string topic, const tidb::TimeZone& zone,
                         CountPartitions count_partitions)
    : options_(options),
      topic_(std::move(topic)),
      zone_(zone),
      count_partitions_(std::move(count_partitions)) {}

std::string EventRouter::topic_of(const schema::TableName& name) const {
  if (options_.topic_template.empty() || name.table.empty()) return topic_;
  return expand_topic(options_.topic_template, name);
}

// Nothing: as many as the topic has.
std::optional<int32_t> EventRouter::configured_partitions() const {
  if (options_.partitions != 0) return static_cast<int32_t>(options_.partitions);
  if (options_.partition_by == KafkaSpread::kNone) return 1;
  return std::nullopt;
}

Result<int32_t> EventRouter::partitions_of(const std::string& topic) {
  const auto known = partitions_.find(topic);
  if (known != partitions_.end()) return known->second;
  std::optional<int32_t> count = configured_partitions();
  if (!count) {
    ASSIGN_OR_RETURN(count, count_partitions_(topic));
  }
  partitions_.emplace(topic, *count);
  return *count;
}

void EventRouter::add_topics_in_use(std::span<const schema::TableName> tables,
                                    const TopicSizes& existing) {
  for (const schema::TableName& name : tables) {
    const auto found = existing.find(topic_of(name));
    if (found == existing.end()) continue;
    const int32_t count = configured_partitions().value_or(found->second);
    // A partition that is not there ends the program: not for the sake of a watermark.
    if (count <= found->second) partitions_.emplace(found->first, count);
  }
}

Result<Destination> EventRouter::find(const RowEvent& row) {
  const schema::TableName& name = row.table.version->name;
  Destination out{.topic = topic_of(name)};
  ASSIGN_OR_RETURN(const int32_t partitions, partitions_of(out.topic));
  const auto count = static_cast<uint32_t>(partitions);
  uint32_t hash = crc_of(name.schema + name.table);
  switch (options_.partition_by) {
    case KafkaSpread::kNone:
      return out;
    case KafkaSpread::kTransaction:
      out.partition = static_cast<int32_t>(static_cast<uint64_t>(row.txn.commit_ts.value) % count);
      return out;
    case KafkaSpread::kTable:
      break;
    case KafkaSpread::kPrimaryKey:
      for (const uint32_t key : row.table.handle_columns) {
        const EventColumn& column = row.table.columns[key];
        ASSIGN_OR_RETURN(const tidb::Value value, event_value(row, row.values, column, zone_));
        if (value.is_null() || value.is_absent()) continue;
        std::string word = column.info->name.str();
        TRY(append_event_text(word, value));
        hash ^= crc_of(word);
      }
      break;
  }
  out.partition = static_cast<int32_t>(hash % count);
  return out;
}

Result<Destination> EventRouter::find_ddl(const schema::TableName& name) {
  Destination out{.topic = topic_of(name)};
  TRY(partitions_of(out.topic));
  return out;
}

Result<void> EventRouter::for_each_partition(
    const std::function<Result<void>(const Destination&)>& call) {
  TRY(partitions_of(topic_));
  for (const auto& [topic, count] : partitions_) {
    for (int32_t i = 0; i < count; ++i) TRY(call({topic, i}));
  }
  return {};
}

Result<bool> EventRouter::append_key(std::string& out, const RowEvent& row) const {
  const schema::TableName& name = row.table.version->name;
  switch (options_.key_by) {
    case KafkaSpread::kNone:
      return false;
    case KafkaSpread::kTable:
      out += name.schema + "." + name.table;
      return true;
    case KafkaSpread::kTransaction:
      tidb::append_integer(out, row.txn.commit_ts.value);
      return true;
    case KafkaSpread::kPrimaryKey: {
      JsonObject object(out);
      for (const uint32_t key : row.table.handle_columns) {
        const EventColumn& column = row.table.columns[key];
        std::string text;
        ASSIGN_OR_RETURN(const tidb::Value value, event_value(row, row.values, column, zone_));
        TRY(append_event_text(text, value));
        object.string(column.info->name, text);
      }
      object.end();
      return true;
    }
  }
  return false;
}

}  // namespace drainer::kafka
