#include "drainer/cluster/registry.h"

#include "drainer/base/ascii.h"
#include "drainer/base/go_json.h"
#include "drainer/base/log.h"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>

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
  append_json_string(out, node.node_id);
  out += ",\"host\":";
  append_json_string(out, node.host);
  out += ",\"state\":";
  append_json_string(out, to_string(node.state));
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
    node->node_id = std::string(trim_blanks(node->node_id));
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
