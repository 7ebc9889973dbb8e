#include "drainer/cluster/registry.h"

#include "drainer/base/ascii.h"
#include "drainer/base/log.h"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>

namespace drainer::cluster {

namespace {

constexpr std::string_view kRoot = "/tidb-binlog/v1";

constexpr std::array<std::pair<NodeState, std::string_view>, 5> kStateNames{{
    {NodeState::kOnline, "online"},
    {NodeState::kPausing, "pausing"},
    {NodeState::kPaused, "paused"},
    {NodeState::kClosing, "closing"},
    {NodeState::kOffline, "offline"},
}};

/// Bytes of the well-formed UTF-8 sequence at the front of `text`; 0 when it is broken.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0};
  };
  const auto tails = [&](size_t count) {
    for (size_t i = 1; i <= count; ++i) {
      if ((byte(i) & 0xc0) != 0x80) return false;
    }
    return true;
  };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return tails(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool is_overlong = lead == 0xe0 && byte(1) < 0xa0;
    const bool is_surrogate = lead == 0xed && byte(1) > 0x9f;
    return tails(2) && !is_overlong && !is_surrogate ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool is_overlong = lead == 0xf0 && byte(1) < 0x90;
    const bool is_beyond = lead == 0xf4 && byte(1) > 0x8f;
    return tails(3) && !is_overlong && !is_beyond ? 4 : 0;
  }
  return 0;
}

/// A JSON string as Go's encoder writes it: HTML characters and U+2028/9 escaped, broken UTF-8
/// replaced.
void append_go_string(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const std::string_view symbol = text.substr(0, std::max<size_t>(length, 1));
    text.remove_prefix(symbol.size());
    const char c = symbol.front();
    if (length == 0) {
      out += "\\ufffd";
    } else if (symbol == "\u2028") {
      out += "\\u2028";
    } else if (symbol == "\u2029") {
      out += "\\u2029";
    } else if (length > 1) {
      out += symbol;
    } else if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<uint8_t>(c) < 0x20 || c == '<' || c == '>' || c == '&') {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

std::string_view text_of(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

/// Takes over one member; false when its type is wrong. null leaves the zero value, as in Go.
bool read_member(std::string_view name, const rapidjson::Value& value, NodeStatus& node) {
  if (value.IsNull()) return true;
  const auto string_to = [&](std::string& field) {
    if (value.IsString()) field = text_of(value);
    return value.IsString();
  };
  const auto integer_to = [&](int64_t& field) {
    if (value.IsInt64()) field = value.GetInt64();
    return value.IsInt64();
  };
  if (equals_folded(name, "nodeId")) return string_to(node.node_id);
  if (equals_folded(name, "host")) return string_to(node.host);
  if (equals_folded(name, "score")) return integer_to(node.score);
  if (equals_folded(name, "maxCommitTS")) return integer_to(node.max_commit_ts);
  if (equals_folded(name, "updateTS")) return integer_to(node.update_ts);
  if (equals_folded(name, "isAlive")) {
    if (value.IsBool()) node.is_alive = value.GetBool();
    return value.IsBool();
  }
  if (equals_folded(name, "state")) {
    if (value.IsString()) node.state = parse_node_state(text_of(value));
    return value.IsString();
  }
  return true;  // Label and whatever later versions add.
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

/// Joins like a cleaned file path: "//", "." and ".." collapse (3.1).
std::string key_of(std::string_view kind, std::string_view node_id) {
  std::string key = std::filesystem::path(fmt::format("{}/{}/{}", kRoot, kind, node_id))
                        .lexically_normal()
                        .string();
  while (key.size() > 1 && key.back() == '/') key.pop_back();
  return key;
}

}  // namespace

std::string_view to_string(NodeState state) {
  for (const auto& [value, name] : kStateNames) {
    if (value == state) return name;
  }
  return "unknown";
}

NodeState parse_node_state(std::string_view text) {
  for (const auto& [value, name] : kStateNames) {
    if (name == text) return value;
  }
  return NodeState::kUnknown;
}

std::string to_json(const NodeStatus& node) {
  std::string out = "{\"nodeId\":";
  append_go_string(out, node.node_id);
  out += ",\"host\":";
  append_go_string(out, node.host);
  out += ",\"state\":";
  append_go_string(out, to_string(node.state));
  fmt::format_to(std::back_inserter(out),
                 ",\"isAlive\":{},\"score\":{},\"label\":null,\"maxCommitTS\":{},\"updateTS\":{}}}",
                 node.is_alive, node.score, node.max_commit_ts, node.update_ts);
  return out;
}

Result<NodeStatus> parse_node_status(std::string_view json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError()) {
    return make_error(ErrorCode::kCorrupt, "node status is no JSON at byte {}: {}",
                      document.GetErrorOffset(), GetParseError_En(document.GetParseError()));
  }
  if (!document.IsObject()) return Error(ErrorCode::kCorrupt, "node status is no JSON object");
  NodeStatus node;
  for (const auto& member : document.GetObject()) {
    if (!read_member(text_of(member.name), member.value, node)) {
      return make_error(ErrorCode::kCorrupt, "node status has a wrong type at {}",
                        text_of(member.name));
    }
  }
  return node;
}

Result<std::vector<NodeStatus>> Registry::list(std::string_view kind, const StopToken& stop) {
  Result<std::vector<EtcdKeyValue>> entries =
      etcd_.range_prefix(fmt::format("{}/{}/", kRoot, kind), stop);
  if (!entries.ok()) return std::move(entries).error().because("read the {} registered", kind);

  std::vector<NodeStatus> nodes;
  for (const EtcdKeyValue& entry : *entries) {
    Result<NodeStatus> node = parse_node_status(entry.value);
    if (!node.ok()) {
      log_warn("skip registry entry that cannot be read",
               {{"key", entry.key}, {"error", node.error()}});
      continue;
    }
    node->node_id = std::string(trimmed(node->node_id));
    if (node->node_id.empty()) {
      log_warn("skip registry entry without node id", {{"key", entry.key}});
      continue;
    }
    nodes.push_back(*std::move(node));
  }
  return nodes;
}

Result<std::vector<NodeStatus>> Registry::pumps(const StopToken& stop) {
  return list("pumps", stop);
}

Result<std::vector<NodeStatus>> Registry::drainers(const StopToken& stop) {
  return list("drainers", stop);
}

Result<std::optional<NodeStatus>> Registry::replace_drainer(const NodeStatus& node,
                                                            const StopToken& stop) {
  const std::string key = key_of("drainers", node.node_id);
  const std::string value = to_json(node);
  const Result<EtcdKeyValue> replaced = etcd_.update_key(key, value, stop);
  if (replaced.ok()) {
    Result<NodeStatus> before = parse_node_status(replaced->value);
    return before.ok() ? std::optional(*std::move(before)) : std::nullopt;
  }
  if (replaced.error().code() != ErrorCode::kNotFound) {
    return Error(replaced.error()).because("register drainer {}", node.node_id);
  }
  log_info("node dosen't exist, will create one", {{"id", node.node_id}});
  Result<void> created = etcd_.create_key(key, value, stop);
  if (!created.ok()) return std::move(created).error().because("register drainer {}", node.node_id);
  return std::optional<NodeStatus>();
}

}  // namespace drainer::cluster
