#include "conf/options_json.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "conf/choices.h"
#include "conf/element_keys.h"
#include "conf/go_text.h"
#include "conf/key_table.h"
#include "conf/secret.h"

namespace drainer {

namespace {

using conf::Draft;
using conf::Key;
using conf::Secrecy;
using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

// One member's value by its type.
struct ValueWriter {
  Writer& writer;
  Secrecy secrecy = Secrecy::kUrls;

  void operator()(const std::string& value) const { text(conf::shown_text(value, secrecy)); }
  void operator()(bool value) const { writer.Bool(value); }
  void operator()(int64_t value) const { writer.Int64(value); }
  void operator()(int32_t value) const { writer.Int(value); }
  void operator()(std::chrono::nanoseconds value) const { text(conf::format_go_duration(value)); }
  void operator()(const conf::DayDuration& value) const { (*this)(value.value); }
  template <class T>
  void operator()(const std::optional<T>& value) const {
    if (value) {
      (*this)(*value);
    } else {
      writer.Null();
    }
  }
  template <class T>
  void operator()(const std::vector<T>& values) const {
    writer.StartArray();
    for (const T& value : values) (*this)(value);
    writer.EndArray();
  }
  template <class T>
  void operator()(const std::map<std::string, T>& values) const {
    writer.StartObject();
    for (const auto& [name, value] : values) {
      key(name);
      ValueWriter{writer, conf::is_secret_property(name) ? Secrecy::kAll : secrecy}(value);
    }
    writer.EndObject();
  }
  template <conf::IsChoice T>
  void operator()(T value) const {
    text(conf::name_of(value));
  }
  template <class T>
    requires std::is_class_v<T>
  void operator()(const T& element) const {
    T copy = element;
    members<T>(conf::element_keys<T>(), copy);
  }

  // An object of all rows; rows of one table stand together, so that objects open and close once.
  template <class Owner>
  void members(std::span<const Key<Owner>> rows, Owner& owner) const;

  void text(std::string_view value) const {
    writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  }
  // KEEP: the original misspells the name of the [syncer] table here.
  void key(std::string_view name) const { text(name == "syncer" ? "sycner" : name); }
};

template <class Owner>
void ValueWriter::members(std::span<const Key<Owner>> rows, Owner& owner) const {
  writer.StartObject();
  std::vector<std::string_view> open;
  for (const Key<Owner>& row : rows) {
    if (row.toml.empty()) continue;
    std::vector<std::string_view> tables;
    std::string_view rest = row.toml;
    for (size_t dot; (dot = rest.find('.')) != std::string_view::npos;
         rest.remove_prefix(dot + 1)) {
      tables.push_back(rest.substr(0, dot));
    }
    size_t common = 0;
    while (common < open.size() && common < tables.size() && open[common] == tables[common]) {
      ++common;
    }
    for (; open.size() > common; open.pop_back()) writer.EndObject();
    for (; open.size() < tables.size(); open.push_back(tables[open.size()])) {
      key(tables[open.size()]);
      writer.StartObject();
    }
    key(rest);
    const ValueWriter value{writer, row.traits.secrecy};
    std::visit([&](auto field) { value(field(owner)); }, row.field);
  }
  for (size_t i = 0; i < open.size(); ++i) writer.EndObject();
  writer.EndObject();
}

// The shape that the table of keys knows, with what the options have become.
Draft draft_of(const Options& options) {
  Draft draft;
  draft.options = options;
  const std::string_view scheme = options.security.ssl_ca.empty() ? "http://" : "https://";
  draft.options.addr.insert(0, scheme);
  draft.options.advertise_addr.insert(0, scheme);
  draft.ignore_schemas.clear();
  for (const std::string& name : options.syncer.ignore_schemas) {
    if (!draft.ignore_schemas.empty()) draft.ignore_schemas += ',';
    draft.ignore_schemas += name;
  }
  draft.dispatch.enable_file = options.syncer.enable_dispatch;
  draft.detect.enable_file = options.syncer.enable_detect;
  draft.to_port = options.syncer.to.port;
  draft.checkpoint_port = options.syncer.to.checkpoint.port;
  draft.read_timeout.value = options.syncer.to.read_timeout;
  draft.kafka_max_message_size = static_cast<int32_t>(options.syncer.to.kafka_max_message_size);
  draft.on_row_mismatch = options.syncer.apply.on_row_mismatch;
  return draft;
}

}  // namespace

std::string options_json(const Options& options) {
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  Draft draft = draft_of(options);
  ValueWriter{writer}.members<Draft>(conf::keys(), draft);
  return std::string(buffer.GetString(), buffer.GetSize());
}

}  // namespace drainer
