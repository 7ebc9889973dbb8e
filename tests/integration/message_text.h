#pragma once

#include <string>
#include <vector>

#include "drainer/base/bytes.h"

namespace drainer::integration {

/// A message of the Kafka output or a record of the pb files, field by field: lines such as
/// `dml_data.tables[0].column_info[2].decimal = -1`. Bytes that are no such message end in a line
/// that says where.
std::vector<std::string> kafka_message_lines(ByteView message);
std::vector<std::string> file_payload_lines(ByteView payload);

/// Where two decoded messages differ first: the line before, and both lines.
std::string first_difference(const std::vector<std::string>& expected,
                             const std::vector<std::string>& actual);

}  // namespace drainer::integration
