#include "tests/upstream/row_shift.h"

#include <limits>
#include <type_traits>

#include <rapidjson/document.h>

#include "drainer/base/check.h"
#include "tests/upstream/meta_keys.h"
#include "tests/upstream/wire.h"

namespace drainer::upstream {

namespace {

using Json = rapidjson::Value;

// Fields of Binlog, PrewriteValue and TableMutation (drainer/proto/binlog.proto).
constexpr uint32_t kStartTs = 2;
constexpr uint32_t kCommitTs = 3;
constexpr uint32_t kPrewriteValue = 5;
constexpr uint32_t kSchemaVersion = 1;
constexpr uint32_t kMutations = 2;
constexpr uint32_t kTableId = 1;
constexpr uint32_t kInsertedRows = 2;
constexpr uint32_t kUpdatedRows = 3;
constexpr uint32_t kDeletedRows = 6;

// Datum flags of a v1 row (spec/row-codec.md 1).
enum Flag : char {
  kNil = 0x00,
  kCompactBytes = 0x02,
  kFloat = 0x05,
  kDecimal = 0x06,
  kDuration = 0x07,
  kVarint = 0x08,
  kUvarint = 0x09,
};

constexpr int64_t kCreateTable = 3;

/// What a moved record is longer than the original, most often.
constexpr size_t kGrowthBytes = 256;

constexpr uint64_t kNotNullFlag = 1;
constexpr uint64_t kPrimaryFlag = 2;
constexpr uint64_t kUnsignedFlag = 32;

uint64_t zigzag(int64_t value) {
  return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}

int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

/// Takes an integer datum off the front; false for any other.
bool take_int(ByteView& rest, int64_t& value) {
  if (rest.empty() || (rest[0] != kVarint && rest[0] != kUvarint)) return false;
  const bool is_signed = rest[0] == kVarint;
  rest.remove_prefix(1);
  uint64_t bits = 0;
  if (!read_varint(rest, bits)) return false;
  value = is_signed ? unzigzag(bits) : static_cast<int64_t>(bits);
  return true;
}

void append_int(Bytes& out, int64_t value, bool is_unsigned) {
  out.push_back(is_unsigned ? kUvarint : kVarint);
  append_varint(out, is_unsigned ? static_cast<uint64_t>(value) : zigzag(value));
}

size_t decimal_size(ByteView body) {
  constexpr size_t kDigitBytes[] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
  const auto precision = static_cast<uint8_t>(body[0]);
  const auto fraction = static_cast<uint8_t>(body[1]);
  if (fraction > precision) return std::numeric_limits<size_t>::max();
  const size_t whole = static_cast<size_t>(precision - fraction);
  return 2 + whole / 9 * 4 + kDigitBytes[whole % 9] + fraction / 9 * size_t{4} +
         kDigitBytes[fraction % 9];
}

/// Takes any datum but JSON off the front; false if it cannot.
bool skip_datum(ByteView& rest) {
  if (rest.empty()) return false;
  const char flag = rest[0];
  rest.remove_prefix(1);
  uint64_t size = 0;
  switch (flag) {
    case kNil:
      break;
    case kVarint:
    case kUvarint:
      return read_varint(rest, size);
    case kCompactBytes:
      if (!read_varint(rest, size)) return false;
      size = static_cast<uint64_t>(unzigzag(size));
      break;
    case kFloat:
    case kDuration:
      size = 8;
      break;
    case kDecimal:
      if (rest.size() < 2) return false;
      size = decimal_size(rest);
      break;
    default:
      return false;
  }
  if (size > rest.size()) return false;
  rest.remove_prefix(size);
  return true;
}

/// What becomes of a key; also how the keys of a record are looked at.
template <class Map>
concept MapKey = std::is_invocable_r_v<int64_t, Map, int64_t>;

/// Copies (column id, value)* with the key column's values mapped. False if it is not such a row.
template <MapKey Map>
bool map_pairs(ByteView row, int64_t key_column_id, bool is_unsigned, const Map& map, Bytes& out) {
  if (row == ByteView("\0", 1)) {  // no columns
    out.append(row);
    return true;
  }
  ByteView copied = row;  // from here on nothing is in `out` yet
  while (!row.empty()) {
    int64_t column_id = 0;
    if (!take_int(row, column_id)) return false;
    if (column_id == key_column_id) {
      out.append(copied.substr(0, copied.size() - row.size()));
      int64_t key = 0;
      if (!take_int(row, key)) return false;
      append_int(out, map(key), is_unsigned);
      copied = row;
    } else if (!skip_datum(row)) {
      return false;
    }
  }
  out.append(copied);
  return true;
}

template <MapKey Map>
bool map_insert(ByteView row, int64_t key_column_id, bool is_unsigned, const Map& map, Bytes& out) {
  int64_t handle = 0;
  if (row.empty() || row[0] != kVarint || !take_int(row, handle)) return false;
  append_int(out, map(handle), /*is_unsigned=*/false);
  return map_pairs(row, key_column_id, is_unsigned, map, out);
}

const Json* find(const Json& object, const char* name) {
  const auto member = object.FindMember(name);
  return member == object.MemberEnd() || member->value.IsNull() ? nullptr : &member->value;
}

/// The columns as far as rows depend on them; adding an index sets flags that do not matter.
std::string columns_of(const Json& table) {
  constexpr uint64_t kFlags = kNotNullFlag | kPrimaryFlag | kUnsignedFlag;
  std::string out;
  for (const Json& column : table["cols"].GetArray()) {
    out += fmt::format("{}:{}:{} ", column["id"].GetInt64(), column["type"]["Tp"].GetInt(),
                       column["type"]["Flag"].GetUint64() & kFlags);
  }
  return out;
}

/// The column that is the handle, if the table can be moved at all.
const Json* movable_key(const Json& table) {
  if (!table.IsObject() || !table.HasMember("cols") || !table["cols"].IsArray()) return nullptr;
  const Json* is_handle = find(table, "pk_is_handle");
  if (is_handle == nullptr || !is_handle->IsTrue() || find(table, "partition") != nullptr ||
      find(table, "fk_info") != nullptr) {
    return nullptr;
  }
  if (const Json* indexes = find(table, "index_info")) {
    for (const Json& index : indexes->GetArray()) {
      if (index["is_unique"].IsTrue()) return nullptr;
    }
  }
  const Json* key = nullptr;
  for (const Json& column : table["cols"].GetArray()) {
    if (column["generated_expr_string"].GetStringLength() > 0) return nullptr;
    if ((column["type"]["Flag"].GetUint64() & kPrimaryFlag) != 0) key = &column;
  }
  return key;
}

/// The largest key that stays clear of sign and type.
int64_t key_limit(int64_t type) {
  switch (type) {
    case 1:
      return INT8_MAX;
    case 2:
      return INT16_MAX;
    case 9:
      return (1 << 23) - 1;
    case 3:
      return INT32_MAX;
    default:
      return INT64_MAX / 2;
  }
}

}  // namespace

RowShift::RowShift(const Capture& capture, int64_t repeat) {
  if (repeat <= 1) return;
  learn_tables(capture);
  learn_ranges(capture);
  std::erase_if(tables_, [&](const auto& entry) {
    const Table& table = entry.second;
    if (table.least > table.most) return true;  // no rows
    // Without overflow: stride * (repeat - 1) <= limit - most.
    return table.least < -table.limit || table.most > table.limit ||
           table.most - table.least + 1 > (table.limit - table.most) / (repeat - 1);
  });
  for (auto& [id, table] : tables_) table.stride = table.most - table.least + 1;
}

void RowShift::learn_tables(const Capture& capture) {
  std::map<int64_t, std::string> created;
  std::set<ByteView> before;
  for (const auto& [key, value] : capture.meta_from) before.insert(key);
  for (const auto& [key, value] : capture.meta) {
    if (key == string_key("SchemaVersionKey")) {
      schema_version_ = std::strtoll(value.c_str(), nullptr, 10);
    }
    const auto part = parse_hash_field(key);
    if (!part || part->key != "DDLJobHistory" || before.contains(key)) continue;
    rapidjson::Document job;
    job.Parse(value.data(), value.size());
    if (!job.IsObject() || job["type"].GetInt64() != kCreateTable) continue;
    const Json* binlog = find(job, "binlog");
    const Json* table = binlog == nullptr ? nullptr : find(*binlog, "TableInfo");
    if (table != nullptr) created[(*table)["id"].GetInt64()] = columns_of(*table);
  }
  for (const auto& [key, value] : capture.meta) {
    const auto part = parse_hash_field(key);
    if (!part || !part->key.starts_with("DB:") || !part->field.starts_with("Table:")) continue;
    rapidjson::Document table;
    table.Parse(value.data(), value.size());
    const Json* column = movable_key(table);
    if (column == nullptr) continue;
    const int64_t id = table["id"].GetInt64();
    const auto origin = created.find(id);
    if (origin == created.end() || origin->second != columns_of(table)) continue;
    tables_[id] = {.key_column_id = (*column)["id"].GetInt64(),
                   .is_unsigned = ((*column)["type"]["Flag"].GetUint64() & kUnsignedFlag) != 0,
                   .limit = key_limit((*column)["type"]["Tp"].GetInt64())};
  }
}

namespace {

/// Copies a mutation with its keys mapped. False if a row is not understood.
template <MapKey Map>
bool map_mutation(ByteView mutation, int64_t key_column_id, bool is_unsigned, const Map& map,
                  Bytes& out) {
  WireReader reader(mutation);
  Bytes row;
  for (WireField field; reader.next(field);) {
    row.clear();
    if (field.number == kInsertedRows) {
      if (!map_insert(field.bytes, key_column_id, is_unsigned, map, row)) return false;
      append_bytes_field(out, field.number, row);
    } else if (field.number == kUpdatedRows || field.number == kDeletedRows) {
      // An update is the old row and the new one, without a border.
      if (!map_pairs(field.bytes, key_column_id, is_unsigned, map, row)) return false;
      append_bytes_field(out, field.number, row);
    } else {
      out.append(field.raw);
    }
  }
  return reader.ok();
}

int64_t table_id_of(ByteView mutation) {
  WireReader reader(mutation);
  for (WireField field; reader.next(field);) {
    if (field.number == kTableId) return static_cast<int64_t>(field.value);
  }
  return 0;
}

/// Calls `visit` with each mutation of a Binlog; false as soon as one call says so.
template <class Visit>
bool for_each_mutation(ByteView binlog, const Visit& visit) {
  WireReader reader(binlog);
  for (WireField field; reader.next(field);) {
    if (field.number != kPrewriteValue) continue;
    WireReader values(field.bytes);
    for (WireField value; values.next(value);) {
      if (value.number == kMutations && !visit(value.bytes)) return false;
    }
  }
  return true;
}

}  // namespace

void RowShift::learn_ranges(const Capture& capture) {
  for (const Tape& tape : capture.tapes) {
    for (const Record& record : tape.records) {
      for_each_mutation(record.payload, [&](ByteView mutation) {
        const auto found = tables_.find(table_id_of(mutation));
        if (found == tables_.end()) return true;
        Table& table = found->second;
        Bytes ignored;
        const bool understood = map_mutation(
            mutation, table.key_column_id, table.is_unsigned,
            [&](int64_t key) {
              table.least = std::min(table.least, key);
              table.most = std::max(table.most, key);
              return key;
            },
            ignored);
        if (!understood) tables_.erase(found);
        return true;
      });
    }
  }
}

bool RowShift::can_move(const Record& record) const {
  if (record.is_fake() || record.ddl_job_id != 0) return false;
  bool any = false;
  const bool all = for_each_mutation(record.payload, [&](ByteView mutation) {
    any = true;
    return tables_.contains(table_id_of(mutation));
  });
  return any && all;
}

Bytes RowShift::move(const Record& record, int64_t ts_shift, int64_t repetition) const {
  Bytes value;
  value.reserve(record.payload.size() + kGrowthBytes);
  append_varint_field(value, kSchemaVersion, static_cast<uint64_t>(schema_version_));
  Bytes moved;
  moved.reserve(value.capacity());
  for_each_mutation(record.payload, [&](ByteView mutation) {
    const Table& table = tables_.at(table_id_of(mutation));
    moved.clear();
    const bool understood = map_mutation(
        mutation, table.key_column_id, table.is_unsigned,
        [&](int64_t key) { return key + repetition * table.stride; }, moved);
    CHECK(understood, "a row that was understood before, commit ts {}", record.commit_ts);
    append_bytes_field(value, kMutations, moved);
    return true;
  });
  Bytes out;
  out.reserve(value.capacity());
  WireReader reader(record.payload);
  for (WireField field; reader.next(field);) {
    if (field.number == kStartTs || field.number == kCommitTs) {
      append_varint_field(out, field.number, field.value + static_cast<uint64_t>(ts_shift));
    } else if (field.number == kPrewriteValue) {
      append_bytes_field(out, field.number, value);
    } else {
      out.append(field.raw);
    }
  }
  return out;
}

}  // namespace drainer::upstream
