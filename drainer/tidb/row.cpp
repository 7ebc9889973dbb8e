#include "drainer/tidb/row.h"

#include "drainer/tidb/codec.h"
#include "drainer/tidb/retype.h"
#include "drainer/tidb/row_v2.h"

#include <algorithm>
#include <string>

namespace drainer::tidb {
namespace {

constexpr int64_t kRowIdColumn = -1;

/// Walks the (column id, value) pairs of v1 rows.
///
/// next() stops at the first malformed datum; fault() then says what it is and where. One thread.
class PairReader {
 public:
  PairReader(ByteView row, size_t begin)
      : begin_(row.data()), at_(row.data() + begin), end_(row.data() + row.size()) {}

  bool is_at_end() const { return at_ == end_; }

  /// Takes the id of the next pair and remembers where its value is.
  bool next_id(int64_t& id) {
    // Nearly all ids are the datum of a number below 64.
    if (end_ - at_ >= 2 && static_cast<DatumFlag>(at_[0]) == DatumFlag::kVarint &&
        static_cast<uint8_t>(at_[1]) < 0x80) [[likely]] {
      id = unzigzag(static_cast<uint8_t>(at_[1]));
      at_ += 2;
      return true;
    }
    return next_long_id(id);
  }

  /// Takes the value of the pair for a column; value_fault() tells why it cannot.
  bool next_value(Value& out, const ColumnInfo& column) {
    const char* const after = decode_datum(at_, end_, out);
    if (after == nullptr || !retype(out, column.type)) [[unlikely]]
      return false;
    at_ = after;
    return true;
  }

  bool skip_value() {
    const char* const after = skip_datum(at_, end_);
    if (after == nullptr) [[unlikely]]
      return false;
    at_ = after;
    return true;
  }

  /// Why the datum at hand could not be read; the original measures before it decodes.
  Error fault() const {
    const ByteView rest(at_, static_cast<size_t>(end_ - at_));
    auto error = cut_fault(rest);
    if (!error) error = decode_fault(rest);
    if (!error) error = make_error(ErrorCode::kCorrupt, "column id is no integer");
    return locate(*std::move(error));
  }

  Error value_fault(const ColumnInfo& column) const {
    Value value;
    if (decode_datum(at_, end_, value) == nullptr) return fault();
    return locate(retype_fault(value, column));
  }

  Error locate(Error error) const {
    return std::move(error).because("row offset {}", at_ - begin_);
  }

 private:
  bool next_long_id(int64_t& id) {
    Value value;
    const char* const after = decode_datum(at_, end_, value);
    if (after == nullptr) return false;
    if (value.kind != ValueKind::kInt && value.kind != ValueKind::kUint) return false;
    id = value.i;
    at_ = after;
    return true;
  }

  const char* begin_;
  const char* at_;
  const char* end_;
};

/// A v1 row that begins at `begin`: fills the columns that it carries.
Result<void> decode_row_v1(ByteView row, size_t begin, const TableInfo& table, std::span<Value> out,
                           int64_t* unknown_id) {
  if (row.size() - begin == 1 && static_cast<DatumFlag>(row[begin]) == DatumFlag::kNil) return {};
  PairReader pairs(row, begin);
  // Newer columns come behind those that the table knows.
  const bool reads_all = unknown_id != nullptr;
  for (size_t left = table.columns.size(); (left > 0 || reads_all) && !pairs.is_at_end();) {
    int64_t id;
    if (!pairs.next_id(id)) return pairs.fault();
    const int32_t offset = table.find_column(ColumnId(id));
    if (offset < 0) {
      if (unknown_id != nullptr) *unknown_id = std::max(*unknown_id, id);
      if (!pairs.skip_value()) return pairs.fault();
      continue;
    }
    Value& value = out[static_cast<size_t>(offset)];
    const ColumnInfo& column = table.columns[static_cast<size_t>(offset)];
    if (!pairs.next_value(value, column)) return pairs.value_fault(column);
    if (left > 0) --left;
  }
  return {};
}

Result<void> decode_columns(ByteView row, size_t begin, const TableInfo& table,
                            std::span<Value> out, int64_t* unknown_id = nullptr) {
  if (begin == row.size()) {
    return make_error(ErrorCode::kCorrupt, "row offset {}: no columns", begin);
  }
  if (row[begin] == kRowV2Mark) {
    auto decoded = decode_row_v2(row.substr(begin), table, out);
    if (!decoded.ok()) return std::move(decoded).error().because("row offset {}", begin);
    return decoded;
  }
  return decode_row_v1(row, begin, table, out, unknown_id);
}

/// Takes one datum of the handle part, from `at` on; gives the byte after it, null on a fault.
const char* take_handle_datum(ByteView row, const char* at, Value& value) {
  return decode_datum(at, row.data() + row.size(), value);
}

Error handle_fault(ByteView row, const char* at) {
  const auto offset = static_cast<size_t>(at - row.data());
  auto error = decode_fault(row.substr(offset));
  if (!error) error = make_error(ErrorCode::kCorrupt, "invalid encoded key");
  return std::move(*error).because("row offset {}", offset);
}

/// The integer handle is the value of the primary key column where the row lacks it.
Result<void> fill_from_integer_handle(const Value& handle, const TableInfo& table,
                                      std::span<Value> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    if (!out[i].is_absent()) continue;
    const ColumnInfo& column = table.columns[i];
    if (!column.type.is_primary_key()) continue;
    Value value = handle;
    if (column.type.is_unsigned() && value.kind == ValueKind::kInt) value = Value::of_uint(value.u);
    if (!retype(value, column.type)) return retype_fault(value, column).because("row offset 0");
    out[i] = value;
  }
  return {};
}

Result<void> decode_integer_handle_row(ByteView row, const TableInfo& table, std::span<Value> out,
                                       int64_t* unknown_id) {
  Value handle;
  const char* const after = take_handle_datum(row, row.data(), handle);
  if (after == nullptr) return handle_fault(row, row.data());
  TRY(decode_columns(row, static_cast<size_t>(after - row.data()), table, out, unknown_id));
  return table.pk_is_handle ? fill_from_integer_handle(handle, table, out) : Result<void>();
}

/// The handle's datums are read twice: to find the row behind them, and, when it is known which
/// columns the row lacks, for their values.
Result<void> decode_common_handle_row(ByteView row, const TableInfo& table, std::span<Value> out,
                                      int64_t* unknown_id) {
  if (table.handle_index < 0) {
    return make_error(ErrorCode::kCorrupt, "Unsupported clustered index without primary key");
  }
  const IndexInfo& index = table.indices[static_cast<size_t>(table.handle_index)];
  const char* at = row.data();
  Value value;
  for (size_t i = 0; i < index.columns.size(); ++i) {
    const char* const after = take_handle_datum(row, at, value);
    if (after == nullptr) return handle_fault(row, at);
    at = after;
  }
  TRY(decode_columns(row, static_cast<size_t>(at - row.data()), table, out, unknown_id));
  const char* next = row.data();
  for (const IndexColumn& part : index.columns) {
    at = next;
    next = take_handle_datum(row, at, value);
    // A value in the row wins: the handle may hold a prefix or a collation's sort key.
    if (part.length != -1 || part.offset >= out.size() || !out[part.offset].is_absent()) continue;
    const ColumnInfo& column = table.columns[part.offset];
    if (!retype(value, column.type))
      return retype_fault(value, column).because("row offset {}", at - row.data());
    out[part.offset] = value;
  }
  return {};
}

std::string present_ids(const TableInfo& table, std::span<const Value> row) {
  std::string out = "[";
  for (size_t i = 0; i < row.size(); ++i) {
    if (row[i].is_absent()) continue;
    if (out.size() > 1) out += ' ';
    out += std::to_string(table.columns[i].id.value);
  }
  return out + "]";
}

Error corrupted_update(const TableInfo& table, std::span<const Value> old_row,
                       std::span<const Value> new_row) {
  const auto writable = std::ranges::count_if(table.columns, &ColumnInfo::is_writable);
  return make_error(ErrorCode::kCorrupt,
                    "row data is corrupted cols num: {}, oldRow: {}, newRow: {}", writable,
                    present_ids(table, old_row), present_ids(table, new_row));
}

}  // namespace

Result<void> decode_insert_row(ByteView row, const TableInfo& table, std::span<Value> out,
                               int64_t* unknown_id) {
  std::ranges::fill(out, Value());
  return table.is_common_handle ? decode_common_handle_row(row, table, out, unknown_id)
                                : decode_integer_handle_row(row, table, out, unknown_id);
}

Result<void> decode_delete_row(ByteView row, const TableInfo& table, std::span<Value> out) {
  std::ranges::fill(out, Value());
  return decode_columns(row, 0, table, out);
}

bool has_row_id(ByteView row) {
  PairReader pairs(row, 0);
  int64_t id = 0;
  while (!pairs.is_at_end() && pairs.next_id(id)) {
    if (id == kRowIdColumn) return true;
    if (!pairs.skip_value()) return false;
  }
  return false;
}

Result<void> decode_update_row(ByteView row, const TableInfo& table, std::span<Value> old_row,
                               std::span<Value> new_row, int64_t* unknown_id) {
  std::ranges::fill(old_row, Value());
  std::ranges::fill(new_row, Value());
  // FIX: the original takes these for an update of no columns.
  if (row.empty() || static_cast<DatumFlag>(row[0]) == DatumFlag::kNil) {
    return corrupted_update(table, old_row, new_row);
  }
  PairReader pairs(row, 0);
  size_t old_count = 0;
  size_t new_count = 0;
  while (!pairs.is_at_end()) {
    int64_t id;
    if (!pairs.next_id(id)) return pairs.fault();
    const int32_t found = table.find_column(ColumnId(id));
    const auto offset = static_cast<size_t>(found);
    if (found < 0 && unknown_id != nullptr) *unknown_id = std::max(*unknown_id, id);
    if (found < 0 || !table.columns[offset].is_writable()) {
      if (!pairs.skip_value()) return pairs.fault();
      continue;
    }
    // The second time that an id comes up it belongs to the new image.
    const bool is_new = !old_row[offset].is_absent();
    Value& value = is_new ? new_row[offset] : old_row[offset];
    if (!value.is_absent()) return pairs.locate(corrupted_update(table, old_row, new_row));
    const ColumnInfo& column = table.columns[offset];
    if (!pairs.next_value(value, column)) return pairs.value_fault(column);
    ++(is_new ? new_count : old_count);
  }
  if (old_count != new_count) return corrupted_update(table, old_row, new_row);
  return {};
}

}  // namespace drainer::tidb
