#include "tests/cases/json_text.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "drainer/tidb/json_reader.h"
#include "tests/upstream/wire.h"

namespace drainer::cases {

namespace {

using tidb::JsonReader;

template <class Number>
void append_le(Bytes& out, Number value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

Bytes binary_value(JsonReader& json);

Bytes number_value(ByteView text) {
  const bool is_integer = text.find_first_of(".eE") == ByteView::npos;
  Bytes out;
  int64_t number = 0;
  uint64_t large = 0;
  const char* const end = text.data() + text.size();
  if (is_integer && std::from_chars(text.data(), end, number).ec == std::errc()) {
    out = "\x09";
    append_le(out, number);
  } else if (is_integer && std::from_chars(text.data(), end, large).ec == std::errc()) {
    out = "\x0a";
    append_le(out, large);
  } else {
    out = "\x0b";
    append_le(out, std::stod(std::string(text)));
  }
  return out;
}

// Values behind the entries; literals lie in their entry.
void append_entries(Bytes& head, Bytes& values, size_t values_begin,
                    const std::vector<Bytes>& elements) {
  for (const Bytes& element : elements) {
    head += element[0];
    if (element[0] == '\x04') {
      head += element[1];
      head.append(3, '\0');
    } else {
      append_le(head, static_cast<uint32_t>(values_begin + values.size()));
      values += element.substr(1);
    }
  }
}

Bytes container(char type, size_t count, const Bytes& inside) {
  Bytes out(1, type);
  append_le(out, static_cast<uint32_t>(count));
  append_le(out, static_cast<uint32_t>(inside.size() + 8));
  return out + inside;
}

Bytes array_value(JsonReader& json) {
  std::vector<Bytes> elements;
  json.read_array([&] { elements.push_back(binary_value(json)); });
  Bytes head;
  Bytes values;
  append_entries(head, values, 8 + elements.size() * 5, elements);
  return container('\x03', elements.size(), head + values);
}

Bytes object_value(JsonReader& json) {
  std::vector<std::pair<std::string, Bytes>> members;
  json.read_object([&](std::string_view key) {
    std::string name(key);
    members.emplace_back(std::move(name), binary_value(json));
  });
  std::ranges::sort(members);
  Bytes head;
  Bytes names;
  std::vector<Bytes> elements;
  const size_t names_begin = 8 + members.size() * 11;
  for (auto& [name, element] : members) {
    append_le(head, static_cast<uint32_t>(names_begin + names.size()));
    append_le(head, static_cast<uint16_t>(name.size()));
    names += name;
    elements.push_back(std::move(element));
  }
  Bytes values;
  append_entries(head, values, names_begin + names.size(), elements);
  return container('\x01', members.size(), head + names + values);
}

Bytes binary_value(JsonReader& json) {
  switch (json.peek()) {
    case '{':
      return object_value(json);
    case '[':
      return array_value(json);
    case '"': {
      const std::string text = json.read_string();
      Bytes out = "\x0c";
      upstream::append_varint(out, text.size());
      return out + text;
    }
    case 'n':
      json.skip();
      return Bytes("\x04\x00", 2);
    case 't':
    case 'f':
      return json.read_bool() ? Bytes("\x04\x01", 2) : Bytes("\x04\x02", 2);
    default:
      return number_value(json.read_raw());
  }
}

}  // namespace

Bytes binary_json(std::string_view text) {
  JsonReader json(text, "JSON value");
  Bytes out = binary_value(json);
  if (const Result<void> done = json.finish(); !done.ok()) {
    throw std::runtime_error(done.error().to_string());
  }
  return out;
}

}  // namespace drainer::cases
