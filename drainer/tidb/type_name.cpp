#include "drainer/tidb/type_name.h"

namespace drainer::tidb {

std::string_view type_name(const FieldType& type) {
  const bool is_binary = type.is_binary();
  switch (type.type) {
    case ColumnType::kUnspecified:
      return "unspecified";
    case ColumnType::kTiny:
      return "tinyint";
    case ColumnType::kShort:
      return "smallint";
    case ColumnType::kInt24:
      return "mediumint";
    case ColumnType::kLong:
      return "int";
    case ColumnType::kLongLong:
      return "bigint";
    case ColumnType::kFloat:
      return "float";
    case ColumnType::kDouble:
      return "double";
    case ColumnType::kNewDecimal:
      return "decimal";
    case ColumnType::kNull:
      return is_binary ? "binary" : "null";
    case ColumnType::kTimestamp:
      return "timestamp";
    case ColumnType::kDate:
      return "date";
    case ColumnType::kDuration:
      return "time";
    case ColumnType::kDatetime:
      return "datetime";
    case ColumnType::kYear:
      return "year";
    case ColumnType::kBit:
      return "bit";
    case ColumnType::kJson:
      return "json";
    case ColumnType::kEnum:
      return "enum";
    case ColumnType::kSet:
      return "set";
    case ColumnType::kGeometry:
      return "geometry";
    case ColumnType::kTinyBlob:
      return is_binary ? "tinyblob" : "tinytext";
    case ColumnType::kBlob:
      return is_binary ? "blob" : "text";
    case ColumnType::kMediumBlob:
      return is_binary ? "mediumblob" : "mediumtext";
    case ColumnType::kLongBlob:
      return is_binary ? "longblob" : "longtext";
    case ColumnType::kVarchar:
      return is_binary ? "varbinary" : "varchar";
    case ColumnType::kString:
      return is_binary ? "binary" : "char";
    case ColumnType::kVarString:
      return "var_string";
    case ColumnType::kNewDate:
      break;
  }
  return "";
}

std::optional<FieldType> find_type(std::string_view name) {
  if (name.empty()) return std::nullopt;
  // From above: "binary" is BINARY rather than a NULL.
  for (int code = 0xff; code > 0; --code) {
    for (const char* charset : {"", "binary"}) {
      FieldType type;
      type.type = static_cast<ColumnType>(code);
      type.charset = charset;
      if (type_name(type) == name) return type;
    }
  }
  return std::nullopt;
}

}  // namespace drainer::tidb
