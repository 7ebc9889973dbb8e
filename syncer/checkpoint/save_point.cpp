#include "syncer/checkpoint/save_point.h"

#include <charconv>
#include <cstring>

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace drainer {
namespace {

using Json = rapidjson::Value;

/// As Go's encoding/json matches members: without case.
bool same_name(const Json& name, const char* wanted) {
  return strcasecmp(name.GetString(), wanted) == 0 && name.GetStringLength() == strlen(wanted);
}

Error wrong_type(std::string_view member, std::string_view expected) {
  return make_error(ErrorCode::kCorrupt, "checkpoint: \"{}\" is not {}", member, expected);
}

Result<void> read_ts_map(const Json& map, SavePoint& point) {
  if (map.IsNull()) return {};
  if (!map.IsObject()) return wrong_type("ts-map", "an object");
  for (const auto& [name, value] : map.GetObject()) {
    if (!value.IsInt64()) return wrong_type("ts-map", "a map of integers");
    point.ts_map[{name.GetString(), name.GetStringLength()}] = value.GetInt64();
  }
  return {};
}

Result<void> read_member(const Json& name, const Json& value, SavePoint& point) {
  if (same_name(name, "ts-map")) return read_ts_map(value, point);
  if (value.IsNull()) return {};
  if (same_name(name, "consistent")) {
    if (!value.IsBool()) return wrong_type("consistent", "a boolean");
    point.consistent = value.GetBool();
  } else if (same_name(name, "commitTS")) {
    if (!value.IsInt64()) return wrong_type("commitTS", "an integer");
    point.commit_ts = CommitTs(value.GetInt64());
  } else if (same_name(name, "schema-version")) {
    if (!value.IsInt64()) return wrong_type("schema-version", "an integer");
    point.schema_version = SchemaVersion(value.GetInt64());
  }
  return {};
}

}  // namespace

std::string to_json(const SavePoint& point) {
  rapidjson::StringBuffer out;
  rapidjson::Writer<rapidjson::StringBuffer> json(out);
  json.StartObject();
  json.Key("consistent");
  json.Bool(point.consistent);
  json.Key("commitTS");
  json.Int64(point.commit_ts.value);
  json.Key("ts-map");
  json.StartObject();
  for (const auto& [name, ts] : point.ts_map) {
    json.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    json.Int64(ts);
  }
  json.EndObject();
  json.Key("schema-version");
  json.Int64(point.schema_version.value);
  json.EndObject();
  return {out.GetString(), out.GetSize()};
}

Result<SavePoint> parse_save_point(std::string_view json) {
  rapidjson::Document document;
  document.Parse(json.data(), json.size());
  if (document.HasParseError()) {
    return make_error(ErrorCode::kCorrupt, "checkpoint: invalid JSON at byte {}",
                      document.GetErrorOffset());
  }
  SavePoint point;
  if (document.IsNull()) return point;
  if (!document.IsObject()) return make_error(ErrorCode::kCorrupt, "checkpoint: not a JSON object");
  for (const auto& [name, value] : document.GetObject()) TRY(read_member(name, value, point));
  if (point.commit_ts.value < 0) {
    return make_error(ErrorCode::kCorrupt, "checkpoint: commitTS is {}", point.commit_ts);
  }
  return point;
}

}  // namespace drainer
