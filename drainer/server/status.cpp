#include "drainer/server/status.h"

#include "drainer/base/go_json.h"

#include <fmt/format.h>

namespace drainer::server {

namespace {

constexpr int kOk = 200;
constexpr int kOtherError = 3;

std::string quote(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string document(std::string_view message, int code, std::string_view data) {
  return fmt::format("{{\n  \"message\": {},\n  \"code\": {},\n  \"data\": {}\n}}\n",
                     quote(message), code, data);
}

}  // namespace

std::string status_document(const Status& status) {
  std::string positions = "null";
  if (status.pump_positions) {
    positions = "{";
    for (const auto& [pump, ts] : *status.pump_positions) {
      if (positions.size() > 1) positions += ',';
      positions += fmt::format("{}:{}", quote(pump), ts);
    }
    positions += '}';
  }
  // KEEP: the original's TsMap is never filled.
  std::string more;
  if (const auto& gc = status.gc_safe_point) {
    more = fmt::format(",\"GCSafePoint\":{{\"Held\":{},\"TS\":{},\"MinTS\":{},\"SecondsLeft\":{}}}",
                       gc->is_held, gc->wanted, gc->minimum, gc->seconds_left);
  }
  return fmt::format("{{\"PumpPos\":{},\"Synced\":{},\"LastTS\":{},\"TsMap\":\"\"{}}}\n", positions,
                     status.synced, status.last_ts, more);
}

std::string commit_ts_document(CommitTs checkpoint_ts) {
  return document("get drainer's latest ts success!", kOk,
                  fmt::format("{{\n    \"ts\": {}\n  }}", checkpoint_ts));
}

std::string action_document(std::string_view message, bool accepted) {
  return document(message, accepted ? kOk : kOtherError, "null");
}

}  // namespace drainer::server
