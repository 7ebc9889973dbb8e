#pragma once

#include <optional>
#include <string_view>

#include "drainer/tidb/field_type.h"

namespace drainer::tidb {

/// The name of a column type in messages and files, `mysql_type`: no length, no sign
/// (spec/kafka-and-file-sinks.md 1.6). Empty for types that have none.
std::string_view type_name(const FieldType& type);

/// The reverse, as far as the name tells: a type with its code, and charset "binary" where the name
/// says so. Nothing for names that no type has.
std::optional<FieldType> find_type(std::string_view name);

}  // namespace drainer::tidb
