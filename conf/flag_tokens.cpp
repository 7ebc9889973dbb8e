#include "conf/flag_tokens.h"

namespace drainer::conf {

Result<std::optional<FlagToken>> FlagTokens::next() {
  if (rest_.empty()) return std::optional<FlagToken>();
  const std::string_view text = rest_.front();
  rest_ = rest_.subspan(1);
  if (!is_behind_flags_ && text == "--") {
    is_behind_flags_ = true;
    return next();
  }
  if (is_behind_flags_ || text.size() < 2 || text[0] != '-') {
    return std::optional(FlagToken{.text = text, .name = {}, .value = {}});
  }
  std::string_view name = text.substr(text[1] == '-' ? 2 : 1);
  if (name.empty() || name[0] == '-' || name[0] == '=') {
    return make_error(ErrorCode::kInvalid, "bad flag syntax: {}", text);
  }
  std::optional<std::string_view> value;
  if (const size_t equals = name.find('='); equals != std::string_view::npos) {
    value = name.substr(equals + 1);
    name = name.substr(0, equals);
  }
  return std::optional(FlagToken{.text = text, .name = name, .value = value});
}

Result<std::string> FlagTokens::value_of(const FlagToken& flag, bool is_boolean) {
  if (flag.value) return std::string(*flag.value);
  if (is_boolean) return std::string("true");
  if (rest_.empty()) {
    return make_error(ErrorCode::kInvalid, "flag needs an argument: -{}", flag.name);
  }
  const std::string& value = rest_.front();
  rest_ = rest_.subspan(1);
  return value;
}

Error unknown_flag(std::string_view name) {
  return make_error(ErrorCode::kInvalid, "flag provided but not defined: -{}", name);
}

}  // namespace drainer::conf
