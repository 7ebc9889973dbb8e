#include "drainer/local_time.h"

#include "drainer/base/parse_number.h"

#include <ctime>

namespace drainer {

Result<CommitTs> parse_commit_ts(const std::string& text) {
  const auto value = parse_whole<int64_t>(text);
  if (!value || *value < 0) {
    return make_error(ErrorCode::kInvalid, "\"{}\" is no commit ts", text);
  }
  return CommitTs(*value);
}

Result<CommitTs> parse_local_time(const std::string& text) {
  std::tm local{};
  local.tm_isdst = -1;
  const char* end = ::strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &local);
  const std::time_t seconds = end != nullptr && *end == '\0' ? ::mktime(&local) : -1;
  if (seconds < 0) {
    return make_error(ErrorCode::kInvalid, "\"{}\" is not of the form YYYY-MM-DD hh:mm:ss", text);
  }
  return make_commit_ts(int64_t{seconds} * 1000);
}

std::string local_time_text(CommitTs ts) {
  const std::time_t seconds = physical_ms(ts) / 1000;
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  return text;
}

}  // namespace drainer
