#include "tests/cases/row_text.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "drainer/tidb/time.h"
#include "tests/cases/json_text.h"
#include "tests/upstream/wire.h"

namespace drainer::cases {

namespace {

using tidb::ColumnInfo;
using tidb::ColumnType;
using upstream::append_varint;

uint64_t zigzag(int64_t value) {
  return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}

Bytes int_datum(int64_t value) {
  Bytes out = "\x08";
  append_varint(out, zigzag(value));
  return out;
}

Bytes uint_datum(uint64_t value) {
  Bytes out = "\x09";
  append_varint(out, value);
  return out;
}

Bytes bytes_datum(ByteView bytes) {
  Bytes out = "\x02";
  append_varint(out, zigzag(static_cast<int64_t>(bytes.size())));
  out += bytes;
  return out;
}

Bytes double_datum(double value) {
  auto bits = std::bit_cast<uint64_t>(value);
  bits = value < 0 || std::signbit(value) ? ~bits : bits | uint64_t{1} << 63;
  Bytes out = "\x05";
  append_be64(out, bits);
  return out;
}

void append_group(Bytes& out, const std::string& digits) {
  constexpr size_t kBytes[] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
  const auto number = static_cast<uint32_t>(digits.empty() ? 0 : std::stoul(digits));
  for (size_t i = kBytes[digits.size()]; i-- > 0;) out += static_cast<char>(number >> (8 * i));
}

// `text` as TiDB stores a DECIMAL(precision, fraction).
Bytes decimal_datum(std::string text, size_t precision, size_t fraction, size_t line) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.erase(0, 1);
  const size_t point = std::min(text.find('.'), text.size());
  std::string whole = text.substr(0, point);
  std::string part = point < text.size() ? text.substr(point + 1) : "";
  whole.erase(0, whole.find_first_not_of('0'));
  if (whole.size() > precision - fraction || part.size() > fraction) {
    fail(line, text + " does not fit its column");
  }
  whole.insert(0, precision - fraction - whole.size(), '0');
  part.resize(fraction, '0');
  Bytes body;
  const size_t lead = whole.size() % 9;
  append_group(body, whole.substr(0, lead));
  for (size_t at = lead; at < whole.size(); at += 9) append_group(body, whole.substr(at, 9));
  for (size_t at = 0; at < part.size(); at += 9) append_group(body, part.substr(at, 9));
  if (is_negative) {
    for (char& c : body) c = static_cast<char>(~c);
  }
  body[0] = static_cast<char>(body[0] ^ 0x80);
  Bytes out = "\x06";
  out += static_cast<char>(precision);
  out += static_cast<char>(fraction);
  return out + body;
}

// The numbers of "2020-01-02 03:04:05.678", whatever stands between them; the last one in
// millionths.
uint64_t packed_time(const std::string& text, size_t line) {
  tidb::CivilTime time;
  char fraction[8] = "";
  const int count = std::sscanf(text.c_str(), "%u-%u-%u %u:%u:%u.%6[0-9]", &time.year, &time.month,
                                &time.day, &time.hour, &time.minute, &time.second, fraction);
  if (count != 3 && count < 6) fail(line, "no time: " + text);
  std::string micro = fraction;
  micro.resize(6, '0');
  time.micro = static_cast<uint32_t>(std::stoul(micro));
  return tidb::pack_time(time);
}

int64_t duration_ns(std::string text, size_t line) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.erase(0, 1);
  unsigned hours = 0;
  unsigned minutes = 0;
  unsigned seconds = 0;
  char fraction[8] = "";
  if (std::sscanf(text.c_str(), "%u:%u:%u.%6[0-9]", &hours, &minutes, &seconds, fraction) < 3) {
    fail(line, "no time: " + text);
  }
  std::string micro = fraction;
  micro.resize(6, '0');
  const int64_t total = (int64_t{hours} * 3600 + minutes * 60 + seconds) * 1'000'000'000 +
                        static_cast<int64_t>(std::stoul(micro)) * 1000;
  return is_negative ? -total : total;
}

uint64_t member_number(const tidb::FieldType& type, const std::string& name, size_t line) {
  const std::vector<std::string>& elems = *type.elems;
  for (size_t i = 0; i < elems.size(); ++i) {
    if (elems[i] == name) return i + 1;
  }
  fail(line, "no member " + name);
}

uint64_t set_mask(const tidb::FieldType& type, const std::string& names, size_t line) {
  uint64_t mask = 0;
  for (size_t at = 0; at < names.size();) {
    const size_t end = std::min(names.find(',', at), names.size());
    mask |= uint64_t{1} << (member_number(type, names.substr(at, end - at), line) - 1);
    at = end + 1;
  }
  return mask;
}

// A quoted text for a column.
Bytes text_datum(const ColumnInfo& column, const std::string& text, size_t line) {
  const tidb::FieldType& type = column.type;
  switch (type.type) {
    case ColumnType::kDate:
    case ColumnType::kNewDate:
    case ColumnType::kDatetime:
    case ColumnType::kTimestamp:
      return uint_datum(packed_time(text, line));
    case ColumnType::kDuration:
      return int_datum(duration_ns(text, line));
    case ColumnType::kEnum:
      return uint_datum(member_number(type, text, line));
    case ColumnType::kSet:
      return uint_datum(set_mask(type, text, line));
    case ColumnType::kJson:
      return "\x0a" + binary_json(text);
    default:
      return bytes_datum(text);
  }
}

// A bare number for a column.
Bytes number_datum(const ColumnInfo& column, const std::string& number, size_t line) {
  const tidb::FieldType& type = column.type;
  switch (type.type) {
    case ColumnType::kFloat:
      return double_datum(static_cast<double>(std::stof(number)));
    case ColumnType::kDouble:
      return double_datum(std::stod(number));
    case ColumnType::kNewDecimal:
      return decimal_datum(number, static_cast<size_t>(type.flen),
                           static_cast<size_t>(std::max(type.decimal + 0, 0)), line);
    case ColumnType::kEnum:
    case ColumnType::kSet:
    case ColumnType::kBit:
      return uint_datum(std::stoull(number));
    default:
      if (type.is_unsigned()) return uint_datum(std::stoull(number));
      return int_datum(std::stoll(number));
  }
}

Bytes scan_datum(TextScanner& text, const ColumnInfo& column) {
  if (text.take("NULL")) return Bytes(1, '\0');
  if (text.peek() == '\'') return text_datum(column, text.take_quoted('\''), text.line());
  if (text.rest().starts_with("x'")) {
    text.expect("x");
    return bytes_datum(from_hex(text.take_quoted('\'')));
  }
  if (text.rest().starts_with("datum'")) {
    text.expect("datum");
    return from_hex(text.take_quoted('\''));
  }
  std::string number(text.take_word());
  if (text.take(".")) number += "." + std::string(text.take_word());
  return number_datum(column, number, text.line());
}

const Bytes& datum_of(const RowDatums& row, const ColumnInfo& column) {
  const auto found = row.find(column.id.value);
  if (found == row.end())
    throw std::runtime_error("the row lacks its key column " + column.name.str());
  return found->second;
}

}  // namespace

RowDatums scan_row(TextScanner& text, const tidb::TableInfo& table) {
  RowDatums row;
  while (!text.is_at_end() && !text.rest().starts_with("->")) {
    if (text.take("#")) {
      const int64_t id = text.take_number();
      text.expect("=");
      ColumnInfo unknown;
      unknown.type.type = ColumnType::kLong;
      row[id] = scan_datum(text, unknown);
      continue;
    }
    const std::string name = text.take_name();
    text.expect("=");
    const auto column = std::ranges::find_if(
        table.columns, [&](const ColumnInfo& info) { return info.name == name; });
    if (column == table.columns.end()) fail(text.line(), "no column " + name);
    row[column->id.value] = scan_datum(text, *column);
  }
  return row;
}

Bytes insert_element(const RowDatums& row, const tidb::TableInfo& table, int64_t row_id) {
  Bytes out;
  RowDatums rest = row;
  if (table.pk_is_handle) {
    for (const ColumnInfo& column : table.columns) {
      if (!column.type.is_primary_key()) continue;
      out += datum_of(row, column);
      rest.erase(column.id.value);
    }
  } else if (table.is_common_handle) {
    for (const tidb::IndexColumn& part :
         table.indices[static_cast<size_t>(table.handle_index)].columns) {
      const ColumnInfo& column = table.columns[part.offset];
      out += datum_of(row, column);
      if (part.length == -1) rest.erase(column.id.value);
    }
  } else {
    out += int_datum(row_id);
  }
  return out + delete_element(rest);
}

Bytes delete_element(const RowDatums& row) {
  if (row.empty()) return Bytes(1, '\0');
  Bytes out;
  for (const auto& [id, datum] : row) out += int_datum(id) + datum;
  return out;
}

Bytes update_element(const RowDatums& old_row, const RowDatums& new_row) {
  return delete_element(old_row) + delete_element(new_row);
}

}  // namespace drainer::cases
