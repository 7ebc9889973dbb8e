#include "conf/toml_file.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <limits>
#include <tuple>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "conf/choices.h"
#include "conf/element_keys.h"
#include "conf/go_text.h"
#include "conf/nearest_key.h"
#include "drainer/base/ascii.h"
#include "drainer/base/file_descriptor.h"
#include "drainer/base/files.h"

namespace drainer::conf {

namespace {

struct Problem {
  uint32_t line;
  std::string text;
};

struct UnknownKey {
  uint32_t line;
  uint32_t column;
  std::string path;
  bool outermost;  ///< not inside of another unknown key
};

// A path with parts quoted where TOML needs it.
std::string join(std::string_view path, std::string_view key) {
  const bool bare = !key.empty() && std::ranges::all_of(key, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
  const std::string part = bare ? std::string(key) : go_quote(key);
  return path.empty() ? part : fmt::format("{}.{}", path, part);
}

// The name of a value's type in the messages of the original's decoder.
std::string_view type_name(const toml::node& node) {
  if (node.is_string()) return "string";
  if (node.is_integer()) return "int64";
  if (node.is_floating_point()) return "float64";
  if (node.is_boolean()) return "bool";
  if (const toml::array* array = node.as_array()) {
    const bool tables = !array->empty() && array->get(0)->is_table();
    return tables ? "[]map[string]interface {}" : "[]interface {}";
  }
  return node.is_table() ? "map[string]interface {}" : "time.Time";
}

// The names of the original's types for tables, likewise.
std::string_view go_type_of_table(std::string_view path) {
  if (path == "syncer") return "drainer.SyncerConfig";
  if (path == "syncer.relay") return "drainer.RelayConfig";
  if (path == "syncer.to") return "sync.DBConfig";
  if (path == "syncer.to.checkpoint") return "sync.CheckpointConfig";
  return path.ends_with("security") ? "security.Config" : "struct";
}
std::string_view go_type_of(const TablePattern&) {
  return "filter.TableName";
}
// Ours: the original has no such type.
std::string_view go_type_of(const ConflictRule&) {
  return "drainer.ConflictRule";
}
std::string_view go_type_of(const TableMigrateRule&) {
  return "drainer.TaskTableMigrateRule";
}
std::string_view go_type_of(const BinlogFilterRule&) {
  return "drainer.TaskBinLogFilterRule";
}

// "[a.b]" makes a table "a" that the original does not count as a key of its own.
bool is_implicit(const toml::table& table) {
  if (table.is_inline()) return false;
  return std::ranges::any_of(table, [&](const auto& entry) {
    return entry.first.source().begin.line == table.source().begin.line;
  });
}

// Walks one document and fills one Draft. One thread.
class Decoder {
 public:
  void decode_root(const toml::table& root, Draft& draft) {
    decode_table<Draft>(root, keys(), draft, {.shown = "", .known = ""});
  }

  std::vector<std::string> take_problems(std::string_view file);

 private:
  // Where we are: as the file spells it, and as the table of keys does.
  struct Path {
    std::string shown;
    std::string known;
  };

  template <class Owner>
  void decode_table(const toml::table& table, std::span<const Key<Owner>> rows, Owner& owner,
                    const Path& path);
  template <class Owner>
  void decode_entry(const toml::key& key, const toml::node& node, std::span<const Key<Owner>> rows,
                    Owner& owner, const Path& path);

  void decode(const toml::node& node, std::string& out);
  void decode(const toml::node& node, bool& out);
  void decode(const toml::node& node, int64_t& out);
  void decode(const toml::node& node, int32_t& out);
  void decode(const toml::node& node, std::chrono::nanoseconds& out);
  void decode(const toml::node& node, DayDuration& out);
  template <IsChoice Enum>
  void decode(const toml::node& node, Enum& out);
  template <class T>
  void decode(const toml::node& node, std::optional<T>& out);
  template <class T>
  void decode(const toml::node& node, std::vector<T>& out);
  template <class T>
  void decode(const toml::node& node, std::map<std::string, T>& out);
  template <class T>
  void decode_element(const toml::node& node, T& out);
  void decode(const toml::node& node, TablePattern& out) { decode_element(node, out); }
  void decode(const toml::node& node, ConflictRule& out) { decode_element(node, out); }
  void decode(const toml::node& node, TableMigrateRule& out) { decode_element(node, out); }
  void decode(const toml::node& node, BinlogFilterRule& out) { decode_element(node, out); }

  void report_unknown(const toml::key& key, const toml::node& node, const std::string& path,
                      bool outermost);
  void fail(std::string_view text);
  void bad_type(const toml::node& node, std::string_view wanted) {
    fail(fmt::format("incompatible types: TOML value has type {}; destination has type {}",
                     type_name(node), wanted));
  }

  // The key whose value is being decoded, for messages.
  std::string shown_;
  uint32_t line_ = 0;
  std::vector<Problem> problems_;
  std::vector<UnknownKey> unknown_;
};

void Decoder::fail(std::string_view text) {
  problems_.push_back(
      {line_, fmt::format("toml: line {} (last key {}): {}", line_, go_quote(shown_), text)});
}

template <class Owner>
void Decoder::decode_table(const toml::table& table, std::span<const Key<Owner>> rows, Owner& owner,
                           const Path& path) {
  const auto is_exact = [&](const toml::key& key) {
    const std::string known =
        path.known.empty() ? std::string(key.str()) : path.known + "." + std::string(key.str());
    return std::ranges::any_of(rows, [&](const Key<Owner>& row) { return row.toml == known; });
  };
  for (const auto& [key, node] : table) {
    if (!is_exact(key)) decode_entry(key, node, rows, owner, path);
  }
  for (const auto& [key, node] : table) {
    if (is_exact(key)) decode_entry(key, node, rows, owner, path);
  }
}

template <class Owner>
void Decoder::decode_entry(const toml::key& key, const toml::node& node,
                           std::span<const Key<Owner>> rows, Owner& owner, const Path& path) {
  const std::string folded = fold_case(key.str());
  const Path here{.shown = join(path.shown, key.str()),
                  .known = path.known.empty() ? folded : path.known + "." + folded};
  shown_ = here.shown;
  line_ = key.source().begin.line;
  const auto row = std::ranges::find_if(
      rows, [&](const Key<Owner>& candidate) { return fold_case(candidate.toml) == here.known; });
  if (row != rows.end()) {
    std::visit([&](auto field) { decode(node, field(owner)); }, row->field);
    return;
  }
  const std::string inside = here.known + ".";
  if (std::ranges::none_of(rows, [&](const Key<Owner>& r) { return r.toml.starts_with(inside); })) {
    report_unknown(key, node, here.shown, /*outermost=*/true);
  } else if (const toml::table* table = node.as_table()) {
    decode_table(*table, rows, owner, here);
  } else {
    fail(fmt::format("type mismatch for {}: expected table but found {}",
                     go_type_of_table(here.known), type_name(node)));
  }
}

void Decoder::decode(const toml::node& node, std::string& out) {
  if (const auto* value = node.as_string()) {
    out = value->get();
  } else {
    bad_type(node, "string");
  }
}

void Decoder::decode(const toml::node& node, bool& out) {
  if (const auto* value = node.as_boolean()) {
    out = value->get();
  } else {
    bad_type(node, "boolean");
  }
}

void Decoder::decode(const toml::node& node, int64_t& out) {
  if (const auto* value = node.as_integer()) {
    out = value->get();
  } else {
    bad_type(node, "integer");
  }
}

void Decoder::decode(const toml::node& node, int32_t& out) {
  const auto* value = node.as_integer();
  if (value == nullptr) return bad_type(node, "integer");
  if (value->get() < std::numeric_limits<int32_t>::min() ||
      value->get() > std::numeric_limits<int32_t>::max()) {
    return fail(fmt::format("{} is out of range for int32", value->get()));
  }
  out = static_cast<int32_t>(value->get());
}

void Decoder::decode(const toml::node& node, std::chrono::nanoseconds& out) {
  if (const auto* value = node.as_integer()) {
    out = std::chrono::nanoseconds(value->get());
    return;
  }
  const auto* text = node.as_string();
  if (text == nullptr) return bad_type(node, "integer");
  const Result<std::chrono::nanoseconds> duration = parse_go_duration(text->get());
  if (!duration) return fail("invalid duration: " + go_quote(text->get()));
  out = *duration;
}

void Decoder::decode(const toml::node& node, DayDuration& out) {
  std::string text;
  if (const auto* string = node.as_string()) {
    text = string->get();
  } else if (const auto* integer = node.as_integer()) {
    text = fmt::format("{}", integer->get());
  } else if (const auto* boolean = node.as_boolean()) {
    text = boolean->get() ? "true" : "false";
  } else if (const auto* number = node.as_floating_point()) {
    text = fmt::format("{:f}", number->get());
  } else {
    return bad_type(node, "primitive (string-like)");
  }
  const Result<std::chrono::nanoseconds> duration = parse_day_duration(text);
  if (!duration) {
    return fail(fmt::format("unsupported gc time {}, etc: use 7 for 7 day, 7h for 7 hour: {}", text,
                            duration.error().text()));
  }
  out.value = *duration;
}

template <IsChoice Enum>
void Decoder::decode(const toml::node& node, Enum& out) {
  const auto* text = node.as_string();
  if (text == nullptr) return bad_type(node, "string");
  const std::optional<Enum> choice = find_choice<Enum>(text->get());
  if (!choice) {
    return fail(fmt::format("must be {}, got {}", names_of<Enum>(), go_quote(text->get())));
  }
  out = *choice;
}

template <class T>
void Decoder::decode(const toml::node& node, std::optional<T>& out) {
  T value{};
  decode(node, value);
  out = std::move(value);
}

template <class T>
void Decoder::decode(const toml::node& node, std::vector<T>& out) {
  const toml::array* array = node.as_array();
  if (array == nullptr) return bad_type(node, "slice");
  out.clear();
  const std::string shown = shown_;
  for (const toml::node& element : *array) {
    shown_ = shown;
    line_ = element.source().begin.line;
    decode(element, out.emplace_back());
  }
}

template <class T>
void Decoder::decode(const toml::node& node, std::map<std::string, T>& out) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return bad_type(node, "map");
  const std::string shown = shown_;
  for (const auto& [key, element] : *table) {
    shown_ = join(shown, key.str());
    line_ = key.source().begin.line;
    decode(element, out[std::string(key.str())]);
  }
}

template <class T>
void Decoder::decode_element(const toml::node& node, T& out) {
  if (const toml::table* table = node.as_table()) {
    decode_table<T>(*table, element_keys<T>(), out, {.shown = shown_, .known = ""});
  } else {
    fail(fmt::format("type mismatch for {}: expected table but found {}", go_type_of(out),
                     type_name(node)));
  }
}

void Decoder::report_unknown(const toml::key& key, const toml::node& node, const std::string& path,
                             bool outermost) {
  const toml::table* table = node.as_table();
  const bool counts = table == nullptr || !is_implicit(*table);
  if (counts) {
    const toml::source_position where = key.source().begin;
    unknown_.push_back({where.line, where.column, path, outermost});
  }
  if (table != nullptr) {
    for (const auto& [inner_key, inner] : *table) {
      report_unknown(inner_key, inner, join(path, inner_key.str()), outermost && !counts);
    }
  } else if (const toml::array* array = node.as_array()) {
    for (const toml::node& element : *array) {
      if (const toml::table* inner = element.as_table()) {
        for (const auto& [inner_key, inner_node] : *inner) {
          report_unknown(inner_key, inner_node, join(path, inner_key.str()), /*outermost=*/false);
        }
      }
    }
  }
}

std::vector<std::string> Decoder::take_problems(std::string_view file) {
  std::ranges::stable_sort(problems_, {}, &Problem::line);
  std::vector<std::string> out;
  for (Problem& problem : problems_) out.push_back(std::move(problem.text));
  if (unknown_.empty()) return out;

  std::ranges::stable_sort(unknown_, {},
                           [](const UnknownKey& key) { return std::tuple(key.line, key.column); });
  std::vector<std::string_view> paths;
  for (const UnknownKey& key : unknown_) paths.push_back(key.path);
  out.push_back(
      fmt::format("component drainer's config file {} contained unknown configuration options: {}",
                  file, fmt::join(paths, ", ")));
  for (const UnknownKey& key : unknown_) {
    if (!key.outermost) continue;
    const std::string nearest = nearest_key(key.path);
    out.push_back(fmt::format("line {}: unknown key {}{}", key.line, key.path,
                              nearest.empty() ? "" : ", did you mean " + nearest + "?"));
  }
  return out;
}

}  // namespace

Result<std::vector<std::string>> apply_toml(std::string_view path, std::string_view text,
                                            Draft& draft) {
  try {
    const toml::table root = toml::parse(text, path);
    Decoder decoder;
    decoder.decode_root(root, draft);
    return decoder.take_problems(path);
  } catch (const toml::parse_error& error) {
    return make_error(ErrorCode::kInvalid, "toml: line {}: {}", error.source().begin.line,
                      error.description());
  }
}

Result<std::string> read_file(const std::string& path) {
  const auto fail = [&](std::string_view verb) {
    return make_error(ErrorCode::kInvalid, "{} {}: {}", verb, path, system_error_text(errno));
  };
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail("open");
  std::string out;
  if (!read_to_end(fd.get(), out)) return fail("read");
  return out;
}

}  // namespace drainer::conf
