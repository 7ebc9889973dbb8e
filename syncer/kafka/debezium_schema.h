#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "syncer/kafka/event_format.h"
#include "syncer/kafka/event_table.h"

namespace drainer::kafka {

/// How Kafka Connect is to see a table's messages: the `schema` members of key and value, as JSON.
/// With the extension the columns have a member `tidb_type`, which TiCDC's consumer goes by.
struct DebeziumSchemas {
  std::string key;
  std::string value;
};
DebeziumSchemas debezium_schemas(const EventTable& table, const EventFormatOptions& options);

/// The `schema` member of the value of a DDL, and of its key.
std::string debezium_ddl_schema(const EventFormatOptions& options);
std::string_view debezium_ddl_key_schema();
/// The same of a watermark.
std::string debezium_watermark_schema(const EventFormatOptions& options);
std::string debezium_watermark_key_schema(const EventFormatOptions& options);

/// With commas between; commas and backslashes inside escaped or not.
std::string join_members(const std::vector<std::string>& members, bool escapes_commas);

}  // namespace drainer::kafka
