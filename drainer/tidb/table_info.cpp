#include "drainer/tidb/table_info.h"

#include <algorithm>

#include "drainer/tidb/json_reader.h"

namespace drainer::tidb {

namespace {

struct CharsetName {
  Charset::Kind kind;
  std::string_view name;
};
constexpr CharsetName kCharsets[] = {
    {Charset::Kind::kBinary, "binary"}, {Charset::Kind::kAscii, "ascii"},
    {Charset::Kind::kLatin1, "latin1"}, {Charset::Kind::kUtf8, "utf8"},
    {Charset::Kind::kUtf8, "utf8mb3"},  {Charset::Kind::kUtf8mb4, "utf8mb4"},
    {Charset::Kind::kGbk, "gbk"},       {Charset::Kind::kGb18030, "gb18030"},
    {Charset::Kind::kOther, ""},
};

// Column ids rise with each ADD COLUMN and are never used again; a table of a million is a lie.
constexpr int64_t kColumnIdMax = 1 << 20;
// TiDB's limit is 4096.
constexpr size_t kColumnsMax = INT16_MAX;

FieldType read_field_type(JsonReader& json) {
  FieldType type;
  bool is_array = false;
  json.read_object([&](std::string_view key) {
    if (key == "Tp") {
      type.type = static_cast<ColumnType>(json.read_uint64());
    } else if (key == "Flag") {
      type.flags = static_cast<uint32_t>(json.read_uint64());
    } else if (key == "Flen") {
      type.flen = json.read_int64();
    } else if (key == "Decimal") {
      type.decimal = static_cast<int16_t>(std::clamp<int64_t>(json.read_int64(), -1, INT16_MAX));
    } else if (key == "Charset") {
      type.charset = json.read_string();
    } else if (key == "Elems") {
      std::vector<std::string> elems;
      json.read_array([&] { elems.push_back(json.read_string()); });
      type.elems = std::move(elems);
    } else if (key == "Array") {
      is_array = json.read_bool();
    } else {
      json.skip();
    }
  });
  if (is_array) type.type = ColumnType::kJson;
  return type;
}

DefaultValue read_default(JsonReader& json) {
  if (json.read_null()) return {};
  const char c = json.peek();
  if (c == '"') return json.read_string();
  if (c == 't' || c == 'f') return json.read_bool();
  return json.read_double();
}

ColumnInfo read_column(JsonReader& json) {
  ColumnInfo column;
  std::optional<Bytes> bits;
  json.read_object([&](std::string_view key) {
    if (key == "id") {
      column.id = ColumnId(json.read_int64());
    } else if (key == "name") {
      column.name = json.read_ci_string();
    } else if (key == "origin_default") {
      column.origin_default = read_default(json);
    } else if (key == "origin_default_bit") {
      bits = json.read_base64();
    } else if (key == "generated_expr_string") {
      column.is_generated = !json.read_string().empty();
    } else if (key == "generated_stored") {
      column.is_stored = json.read_bool();
    } else if (key == "hidden") {
      column.is_hidden = json.read_bool();
    } else if (key == "state") {
      column.state = static_cast<SchemaState>(json.read_uint64());
    } else if (key == "type") {
      column.type = read_field_type(json);
    } else {
      json.skip();
    }
  });
  if (bits && column.type.type == ColumnType::kBit) {
    column.origin_default = DefaultValue(BitDefault{*std::move(bits)});
  }
  return column;
}

IndexColumn read_index_column(JsonReader& json) {
  IndexColumn column;
  json.read_object([&](std::string_view key) {
    if (key == "name") {
      column.name = json.read_ci_string();
    } else if (key == "offset") {
      column.offset = static_cast<uint32_t>(std::min<uint64_t>(json.read_uint64(), UINT32_MAX));
    } else if (key == "length") {
      column.length = json.read_int64();
    } else {
      json.skip();
    }
  });
  return column;
}

IndexInfo read_index(JsonReader& json) {
  IndexInfo index;
  json.read_object([&](std::string_view key) {
    if (key == "idx_name") {
      index.name = json.read_ci_string();
    } else if (key == "is_unique") {
      index.is_unique = json.read_bool();
    } else if (key == "is_primary") {
      index.is_primary = json.read_bool();
    } else if (key == "state") {
      index.state = static_cast<SchemaState>(json.read_uint64());
    } else if (key == "idx_cols") {
      index.columns.clear();
      json.read_array([&] { index.columns.push_back(read_index_column(json)); });
    } else {
      json.skip();
    }
  });
  return index;
}

void read_partitions(JsonReader& json, std::vector<int64_t>& ids) {
  ids.clear();
  json.read_object([&](std::string_view key) {
    if (key != "definitions") return json.skip();
    json.read_array([&] {
      ids.push_back(0);
      json.read_object([&](std::string_view name) {
        if (name == "id") {
          ids.back() = json.read_int64();
        } else {
          json.skip();
        }
      });
    });
  });
}

// Members that both forms want. False: `key` is none of them, its value is still to be read.
bool read_outline_member(JsonReader& json, std::string_view key, TableInfo& info) {
  if (key == "id") {
    info.id = TableId(json.read_int64());
  } else if (key == "name") {
    info.name = json.read_ci_string();
  } else if (key == "partition") {
    read_partitions(json, info.partition_ids);
  } else if (key == "view") {
    info.is_view = !json.read_raw().empty();
  } else if (key == "constraint_info") {
    info.has_checks = json.read_raw().size() > std::string_view("[]").size();
  } else if (key == "sequence") {
    info.is_sequence = !json.read_raw().empty();
  } else {
    return false;
  }
  return true;
}

void read_structure_member(JsonReader& json, std::string_view key, TableInfo& info) {
  if (key == "cols") {
    info.columns.clear();
    json.read_array([&] { info.columns.push_back(read_column(json)); });
    info.columns.shrink_to_fit();
  } else if (key == "index_info") {
    info.indices.clear();
    json.read_array([&] { info.indices.push_back(read_index(json)); });
  } else if (key == "pk_is_handle") {
    info.pk_is_handle = json.read_bool();
  } else if (key == "is_common_handle") {
    info.is_common_handle = json.read_bool();
  } else if (key == "max_col_id") {
    info.max_column_id = json.read_int64();
  } else {
    json.skip();
  }
}

}  // namespace

Charset::Charset(std::string_view name) {
  const auto* const found = std::ranges::find(kCharsets, name, &CharsetName::name);
  if (found != std::end(kCharsets)) kind_ = found->kind;
}

std::string_view Charset::name() const {
  return std::ranges::find(kCharsets, kind_, &CharsetName::kind)->name;
}

Result<void> TableInfo::index_columns() {
  if (columns.size() > kColumnsMax) {
    return make_error(ErrorCode::kCorrupt, "table {} ({}): {} columns", name, id, columns.size());
  }
  int64_t highest = 0;
  for (const ColumnInfo& column : columns) highest = std::max(highest, column.id.value);
  offset_by_id.clear();
  if (highest <= kColumnIdMax) offset_by_id.reserve(static_cast<size_t>(highest) + 1);
  for (size_t offset = 0; offset < columns.size(); ++offset) {
    const int64_t column = columns[offset].id.value;
    if (column > kColumnIdMax) {
      return make_error(ErrorCode::kCorrupt, "table {} ({}): column id {} is above {}", name, id,
                        column, kColumnIdMax);
    }
    // Views of old clusters have columns without ids; nothing ever looks them up.
    if (column <= 0) continue;
    const auto index = static_cast<size_t>(column);
    if (offset_by_id.size() <= index) offset_by_id.resize(index + 1, -1);
    if (offset_by_id[index] >= 0) {
      return make_error(ErrorCode::kCorrupt, "table {} ({}): column id {} occurs twice", name, id,
                        column);
    }
    offset_by_id[index] = static_cast<int16_t>(offset);
  }
  handle_index = -1;
  for (size_t i = 0; i < indices.size(); ++i) {
    for (const IndexColumn& column : indices[i].columns) {
      if (column.offset >= columns.size()) {
        return make_error(ErrorCode::kCorrupt, "table {} ({}): index {} uses column {} of {}", name,
                          id, indices[i].name, column.offset, columns.size());
      }
    }
    if (is_common_handle && indices[i].is_primary) handle_index = static_cast<int32_t>(i);
  }
  return {};
}

Result<TableInfo> parse_table_info(ByteView document) {
  TableInfo info;
  JsonReader json(document, "table info");
  json.read_object([&](std::string_view key) {
    if (!read_outline_member(json, key, info)) read_structure_member(json, key, info);
  });
  TRY(json.finish());
  TRY(info.index_columns());
  return info;
}

Result<TableInfo> parse_table_outline(ByteView document) {
  TableInfo info;
  JsonReader json(document, "table info");
  json.read_object([&](std::string_view key) {
    if (!read_outline_member(json, key, info)) json.skip();
  });
  TRY(json.finish());
  return info;
}

Result<DbInfo> parse_db_info(ByteView document) {
  DbInfo info;
  JsonReader json(document, "database info");
  json.read_object([&](std::string_view key) {
    if (key == "id") {
      info.id = SchemaId(json.read_int64());
    } else if (key == "db_name") {
      info.name = json.read_ci_string();
    } else {
      json.skip();
    }
  });
  TRY(json.finish());
  return info;
}

}  // namespace drainer::tidb
