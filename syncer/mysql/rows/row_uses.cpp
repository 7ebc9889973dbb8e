#include "syncer/mysql/rows/row_uses.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "drainer/base/ascii.h"
#include "drainer/tidb/value_text.h"

namespace drainer::mysql {
namespace {

using tidb::Value;
using tidb::ValueKind;

/// The finisher of splitmix64.
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

uint64_t combine(uint64_t seed, uint64_t value) {
  return mix(seed ^ mix(value));
}

uint64_t hash_bytes(std::string_view bytes) {
  return std::hash<std::string_view>()(bytes);
}

/// One code point at the start of `text`, which loses it; U+FFFD for what is no UTF-8.
char32_t take_code_point(std::string_view& text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (length > text.size() || (first >= 0x80 && first < 0xc2) || first > 0xf4) {
    text.remove_prefix(1);
    return U'\xfffd';
  }
  char32_t code = length == 1 ? first : first & (0x7fU >> length);
  for (size_t i = 1; i < length; ++i) code = code << 6 | (byte(i) & 0x3fU);
  text.remove_prefix(length);
  return code;
}

/// A letter that stands for all that some collation holds equal to `c`; 0 where other letters, or
/// none, or several, may be equal to it.
char32_t fold(char32_t c) {
  if (c >= 'a' && c <= 'z') c -= 'a' - 'A';
  if (c == 'J' || c == 'Y') return 'I';  // classical Latin; Lithuanian, Latvian
  if (c == 'U' || c == 'W') return 'V';  // classical Latin; Swedish
  if (c >= 0x20 && c < 0x7f) return c;
  if (c >= 0x4e00 && c <= 0x9fff) return c;  // Han
  if (c >= 0xac00 && c <= 0xd7a3) return c;  // Hangul
  // Russian without ё; й is an и with an accent.
  if (c >= 0x0430 && c <= 0x044f) c -= 0x20;
  if (c == 0x0419) return 0x0418;
  if (c >= 0x0410 && c <= 0x042f && c != 0x0415) return c;
  return 0;
}

std::string_view cut_characters(std::string_view text, uint32_t count) {
  std::string_view rest = text;
  for (uint32_t i = 0; i < count && !rest.empty(); ++i) take_code_point(rest);
  return text.substr(0, text.size() - rest.size());
}

std::optional<uint64_t> hash_text(std::string_view text, const DownstreamColumn& column,
                                  uint32_t prefix_length) {
  if (prefix_length > 0) text = cut_characters(text, prefix_length);
  text = text.substr(0, text.find_last_not_of(' ') + 1);
  if (column.is_binary_collation && column.is_unicode) return hash_bytes(text);
  if (column.has_unknown_equals) return std::nullopt;
  uint64_t hash = 0;
  while (!text.empty()) {
    const char32_t letter = fold(take_code_point(text));
    // A column of another character set has replaced what it does not know.
    if (letter == 0 || (letter > 0x7f && !column.is_unicode)) return std::nullopt;
    // Equal to a letter in Chinese ones, to nothing at all in Ukrainian ones.
    if ((letter == '~' || letter == '`') && !column.is_unicode) return std::nullopt;
    hash = mix(hash + letter);
  }
  return hash;
}

// Where a column keeps less than the value has, the server rounds: to what other values are.

std::optional<uint64_t> hash_decimal(const Value& value, std::optional<uint32_t> scale) {
  std::string text;
  if (!tidb::append_text(text, value).ok()) return std::nullopt;
  if (const size_t point = text.find('.'); point != std::string::npos) {
    text.resize(text.find_last_not_of('0') + 1);
    if (scale && text.size() - point - 1 > *scale) return std::nullopt;
    if (text.back() == '.') text.pop_back();
  }
  if (text == "-0") text = "0";
  return hash_bytes(text);
}

std::optional<uint64_t> hash_time(const Value& value, std::optional<uint32_t> scale) {
  if (value.kind == ValueKind::kDate) return mix(value.u);
  if (!scale) return std::nullopt;
  int64_t nanoseconds = 0;
  if (value.kind == ValueKind::kDatetime) {
    nanoseconds = static_cast<int64_t>(value.u & 0xffffff) * 1000;
  } else if (value.kind == ValueKind::kDuration) {
    nanoseconds = value.i;
  } else {
    return std::nullopt;
  }
  int64_t step = 1'000'000'000;
  for (uint32_t i = 0; i < std::min(*scale, 9U); ++i) step /= 10;
  return nanoseconds % step == 0 ? std::optional(mix(value.u)) : std::nullopt;
}

std::optional<uint64_t> hash_binary(std::string_view bytes, uint32_t prefix_length) {
  if (prefix_length > 0) bytes = bytes.substr(0, prefix_length);
  // BINARY(n) is padded with zero bytes.
  return hash_bytes(bytes.substr(0, bytes.find_last_not_of('\0') + 1));
}

}  // namespace

uint64_t hash_table(const schema::TableName& name) {
  return combine(hash_bytes(fold_case(name.schema)), hash_bytes(fold_case(name.table)));
}

std::optional<uint64_t> hash_value(const Value& value, const DownstreamColumn& column,
                                   uint32_t prefix_length) {
  switch (column.column_class) {
    case ColumnClass::kPlain:
      switch (value.kind) {
        case ValueKind::kInt:
        case ValueKind::kUint:
        case ValueKind::kEnum:
        case ValueKind::kSet:
        case ValueKind::kBit:
          return mix(value.u);
        default:
          return std::nullopt;
      }
    case ColumnClass::kFloat:
    case ColumnClass::kDouble:
      if (value.kind != ValueKind::kFloat && value.kind != ValueKind::kDouble) return std::nullopt;
      if (column.scale) return std::nullopt;  // FLOAT(M,D)
      return std::hash<float>()(static_cast<float>(value.d));
    case ColumnClass::kDecimal:
      if (value.kind != ValueKind::kDecimal) return std::nullopt;
      return hash_decimal(value, column.scale);
    case ColumnClass::kTime:
      return hash_time(value, column.scale);
    case ColumnClass::kChar:
    case ColumnClass::kText:
      if (value.kind != ValueKind::kString && value.kind != ValueKind::kText) return std::nullopt;
      return hash_text(value.bytes(), column, prefix_length);
    case ColumnClass::kFixedBytes:
    case ColumnClass::kBytes:
      if (value.kind != ValueKind::kBinary && value.kind != ValueKind::kString &&
          value.kind != ValueKind::kText) {
        return std::nullopt;
      }
      return hash_binary(value.bytes(), prefix_length);
    case ColumnClass::kJson:
    case ColumnClass::kOther:
      return std::nullopt;
  }
  return std::nullopt;
}

RowUses RowUses::make(const schema::TableVersion& table, const TableDescription& downstream,
                      const std::vector<Parent>& parents) {
  std::vector<int32_t> offsets(downstream.columns.size(), -1);
  for (uint32_t i = 0; i < table.info->columns.size(); ++i) {
    if (!table.info->columns[i].is_writable()) continue;
    const int32_t found = downstream.find_column(table.info->columns[i].name);
    if (found >= 0) offsets[static_cast<size_t>(found)] = static_cast<int32_t>(i);
  }
  const auto append_column = [&](Key& key, uint32_t position, const DownstreamColumn& compared_as,
                                 uint32_t prefix_length) {
    if (offsets[position] < 0) return false;
    key.columns.push_back({.offset = static_cast<uint32_t>(offsets[position]),
                           .downstream = compared_as,
                           .prefix_length = prefix_length});
    return true;
  };

  RowUses keys;
  keys.table_ = hash_table(table.name);
  keys.has_triggers_ = downstream.has_triggers;
  for (const UniqueKey& unique : downstream.unique_keys) {
    Key key{.seed = combine(keys.table_, hash_bytes(unique.name)), .columns = {}};
    bool is_usable = !unique.is_opaque;
    for (size_t i = 0; is_usable && i < unique.columns.size(); ++i) {
      const uint32_t position = unique.columns[i];
      is_usable =
          append_column(key, position, downstream.columns[position], unique.prefix_lengths[i]);
    }
    if (is_usable) {
      keys.keys_.push_back(std::move(key));
    } else {
      keys.has_opaque_key_ = true;
    }
  }

  for (size_t f = 0; f < downstream.foreign_keys.size(); ++f) {
    const DownstreamForeignKey& foreign = downstream.foreign_keys[f];
    if (parents[f] == nullptr) continue;
    const TableDescription& parent = *parents[f];
    ForeignKey added{.key = {}, .parent_table = hash_table(foreign.parent), .is_whole_table = true};
    for (const UniqueKey& unique : parent.unique_keys) {
      if (unique.is_opaque || unique.columns.size() != foreign.columns.size()) continue;
      // In the order of the parent's key, as the parent's rows hash it.
      Key key{.seed = combine(added.parent_table, hash_bytes(unique.name)), .columns = {}};
      for (size_t i = 0; i < unique.columns.size(); ++i) {
        const DownstreamColumn& column = parent.columns[unique.columns[i]];
        const auto named = std::ranges::find_if(foreign.parent_columns, [&](const auto& name) {
          return fold_case(name) == fold_case(column.name);
        });
        if (named == foreign.parent_columns.end()) break;
        const auto at = static_cast<size_t>(named - foreign.parent_columns.begin());
        if (!append_column(key, foreign.columns[at], column, unique.prefix_lengths[i])) break;
      }
      if (key.columns.size() != unique.columns.size()) continue;
      added.key = std::move(key);
      added.is_whole_table = false;
      break;
    }
    keys.foreign_keys_.push_back(std::move(added));
  }
  return keys;
}

RowUses::Hashed RowUses::hash_key(const Key& key, Row row, uint64_t& hash) {
  hash = key.seed;
  bool is_certain = true;
  for (const Column& column : key.columns) {
    const Value& value = row[column.offset];
    if (value.is_null()) return Hashed::kNothing;
    const auto hashed = hash_value(value, column.downstream, column.prefix_length);
    is_certain &= hashed.has_value();
    hash = combine(hash, hashed.value_or(0));
  }
  return is_certain ? Hashed::kKey : Hashed::kAnything;
}

bool RowUses::append_unique(Row row, std::vector<uint64_t>& hashes) const {
  for (const Key& key : keys_) {
    uint64_t hash = 0;
    const Hashed hashed = hash_key(key, row, hash);
    if (hashed == Hashed::kAnything) return false;
    if (hashed == Hashed::kKey) hashes.push_back(hash);
  }
  return !has_opaque_key_;
}

void RowUses::append_row(Row row, std::vector<KeyUse>& uses) const {
  bool is_whole_table = has_opaque_key_;
  bool has_key = false;
  for (const Key& key : keys_) {
    uint64_t hash = 0;
    switch (hash_key(key, row, hash)) {
      case Hashed::kNothing:
        break;
      case Hashed::kKey:
        has_key = true;
        uses.push_back({.hash = hash, .is_write = true});
        break;
      case Hashed::kAnything:
        is_whole_table = true;
        break;
    }
  }
  uses.push_back({.hash = table_, .is_write = is_whole_table || !has_key});
}

void RowUses::append_parents(Row row, std::vector<KeyUse>& uses) const {
  for (const ForeignKey& foreign : foreign_keys_) {
    uint64_t hash = 0;
    const Hashed hashed =
        foreign.is_whole_table ? Hashed::kAnything : hash_key(foreign.key, row, hash);
    if (hashed == Hashed::kKey) uses.push_back({.hash = hash, .is_write = false});
    if (hashed == Hashed::kAnything) uses.push_back({.hash = foreign.parent_table});
  }
}

void RowUses::append_uses(const Txn& txn, const RowChange& row, std::vector<KeyUse>& uses) const {
  append_row(txn.new_values(row), uses);
  append_parents(txn.new_values(row), uses);
  if (row.kind != RowKind::kUpdate) return;
  append_row(txn.old_values(row), uses);
  append_parents(txn.old_values(row), uses);
}

}  // namespace drainer::mysql
