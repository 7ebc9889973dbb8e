#include "tests/integration/message_text.h"

#include <bit>
#include <map>

#include <fmt/format.h>

#include "tests/upstream/wire.h"

namespace drainer::integration {

namespace {

enum class Kind { kNumber, kDouble, kText, kBytes, kMessage };

struct Shape;
struct Field {
  const char* name;
  Kind kind;
  const Shape* message = nullptr;
  bool is_repeated = false;
};
struct Shape {
  std::map<uint32_t, Field> fields;
};

const Shape kColumn{{{1, {"is_null", Kind::kNumber}},
                     {2, {"int64_value", Kind::kNumber}},
                     {3, {"uint64_value", Kind::kNumber}},
                     {4, {"double_value", Kind::kDouble}},
                     {5, {"bytes_value", Kind::kBytes}},
                     {6, {"string_value", Kind::kText}}}};
const Shape kRow{{{1, {"columns", Kind::kMessage, &kColumn, true}}}};
const Shape kMutation{{{1, {"type", Kind::kNumber}},
                       {2, {"row", Kind::kMessage, &kRow}},
                       {3, {"change_row", Kind::kMessage, &kRow}}}};
const Shape kColumnInfo{{{1, {"name", Kind::kText}},
                         {2, {"mysql_type", Kind::kText}},
                         {3, {"is_primary_key", Kind::kNumber}},
                         {4, {"flen", Kind::kNumber}},
                         {5, {"decimal", Kind::kNumber}}}};
const Shape kKey{{{1, {"name", Kind::kText}}, {2, {"column_names", Kind::kText, nullptr, true}}}};
const Shape kTable{{{1, {"schema_name", Kind::kText}},
                    {2, {"table_name", Kind::kText}},
                    {3, {"column_info", Kind::kMessage, &kColumnInfo, true}},
                    {4, {"mutations", Kind::kMessage, &kMutation, true}},
                    {5, {"unique_keys", Kind::kMessage, &kKey, true}}}};
const Shape kDmlData{{{1, {"tables", Kind::kMessage, &kTable, true}}}};
const Shape kDdlData{{{1, {"schema_name", Kind::kText}},
                      {2, {"table_name", Kind::kText}},
                      {3, {"ddl_query", Kind::kText}}}};
const Shape kKafkaBinlog{{{1, {"type", Kind::kNumber}},
                          {2, {"commit_ts", Kind::kNumber}},
                          {3, {"dml_data", Kind::kMessage, &kDmlData}},
                          {4, {"ddl_data", Kind::kMessage, &kDdlData}},
                          {5, {"time_zone", Kind::kText}}}};

const Shape kFileColumn{{{1, {"name", Kind::kText}},
                         {2, {"tp", Kind::kBytes}},
                         {3, {"mysql_type", Kind::kText}},
                         {4, {"value", Kind::kBytes}},
                         {5, {"changed_value", Kind::kBytes}}}};
const Shape kEvent{{{1, {"schema_name", Kind::kText}},
                    {2, {"table_name", Kind::kText}},
                    {3, {"tp", Kind::kNumber}},
                    {4, {"row", Kind::kMessage, &kFileColumn, true}}}};
const Shape kFileDmlData{{{1, {"events", Kind::kMessage, &kEvent, true}}}};
const Shape kFileBinlog{{{1, {"tp", Kind::kNumber}},
                         {2, {"commit_ts", Kind::kNumber}},
                         {3, {"dml_data", Kind::kMessage, &kFileDmlData}},
                         {4, {"ddl_query", Kind::kText}}}};

std::string printable(ByteView bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte >= 0x20 && byte < 0x7f && c != '\\' ? std::string(1, c)
                                                    : fmt::format("\\x{:02x}", byte);
  }
  return out;
}

std::string value_text(const Field* field, const upstream::WireField& wire) {
  if (field != nullptr && field->kind == Kind::kDouble) {
    return fmt::format("{} ({})", std::bit_cast<double>(wire.value), to_hex(wire.raw));
  }
  if (!wire.is_bytes) return fmt::format("{}", static_cast<int64_t>(wire.value));
  if (field != nullptr && field->kind == Kind::kBytes) {
    return fmt::format("{} \"{}\"", to_hex(wire.bytes), printable(wire.bytes));
  }
  return fmt::format("\"{}\"", printable(wire.bytes));
}

void append_lines(std::vector<std::string>& out, const std::string& path, const Shape& shape,
                  ByteView message) {
  std::map<uint32_t, size_t> counts;
  upstream::WireReader reader(message);
  for (upstream::WireField wire; reader.next(wire);) {
    const auto found = shape.fields.find(wire.number);
    const Field* field = found == shape.fields.end() ? nullptr : &found->second;
    std::string name = path + (field != nullptr ? field->name : fmt::format("<{}>", wire.number));
    if (field != nullptr && field->is_repeated) {
      name += fmt::format("[{}]", counts[wire.number]++);
    }
    if (field != nullptr && field->kind == Kind::kMessage && wire.is_bytes) {
      out.push_back(name);
      append_lines(out, name + ".", *field->message, wire.bytes);
    } else {
      out.push_back(fmt::format("{} = {}", name, value_text(field, wire)));
    }
  }
  if (!reader.ok()) out.push_back(path + " is no message: " + to_hex(message.substr(0, 64)));
}

}  // namespace

std::vector<std::string> kafka_message_lines(ByteView message) {
  std::vector<std::string> out;
  append_lines(out, "", kKafkaBinlog, message);
  return out;
}

std::vector<std::string> file_payload_lines(ByteView payload) {
  std::vector<std::string> out;
  append_lines(out, "", kFileBinlog, payload);
  return out;
}

std::string first_difference(const std::vector<std::string>& expected,
                             const std::vector<std::string>& actual) {
  size_t i = 0;
  while (i < expected.size() && i < actual.size() && expected[i] == actual[i]) ++i;
  const auto line = [i](const std::vector<std::string>& lines) {
    return i < lines.size() ? lines[i] : std::string("(end)");
  };
  if (i == expected.size() && i == actual.size()) {
    return "    the same fields, but other bytes: lengths or order of fields";
  }
  return fmt::format("    after    {}\n    expected {}\n    actual   {}",
                     i > 0 ? expected[i - 1] : "(begin)", line(expected), line(actual));
}

}  // namespace drainer::integration
