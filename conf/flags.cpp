#include "conf/flags.h"

#include <algorithm>

#include "conf/flag_tokens.h"
#include "conf/go_text.h"

namespace drainer::conf {

namespace {

template <class T>
using DraftField = T& (*)(Draft&);

template <class... Args>
Error flag_error(fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::kInvalid, format, std::forward<Args>(args)...);
}

Error bad_value(const Key<Draft>& key, std::string_view value, const Error& cause) {
  if (is_boolean(key)) {
    return flag_error("invalid boolean value {} for -{}: {}", go_quote(value), key.flag,
                      cause.text());
  }
  return flag_error("invalid value {} for flag -{}: {}", go_quote(value), key.flag, cause.text());
}

struct DefaultText {
  const Key<Draft>& key;

  std::string operator()(const std::string& value) const {
    return value.empty() ? "" : go_quote(value);
  }
  std::string operator()(bool value) const { return value ? "true" : ""; }
  std::string operator()(int64_t value) const { return value == 0 ? "" : std::to_string(value); }
  // The switches start unset; what that means is in the table.
  std::string operator()(const std::optional<bool>&) const {
    return key.default_text == "true" ? "true" : "";
  }
  std::string operator()(const auto&) const { return ""; }
};

std::string_view type_name(const Key<Draft>& key) {
  if (is_boolean(key)) return "";
  return std::holds_alternative<DraftField<int64_t>>(key.field) ? " int" : " string";
}

}  // namespace

bool is_boolean(const Key<Draft>& key) {
  return std::holds_alternative<DraftField<bool>>(key.field) ||
         std::holds_alternative<DraftField<std::optional<bool>>>(key.field);
}

Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments) {
  CommandLine out;
  Draft scratch;
  FlagTokens tokens(arguments);
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<FlagToken> token, tokens.next());
    if (!token) return out;
    if (!token->is_flag()) {
      out.positional.emplace_back(token->text);
      out.positional.insert(out.positional.end(), tokens.rest().begin(), tokens.rest().end());
      return out;
    }
    const Key<Draft>* key = find_flag(token->name);
    if (key == nullptr) {
      if (token->name != "h" && token->name != "help") return unknown_flag(token->name);
      out.help = true;
      return out;
    }
    ASSIGN_OR_RETURN(const std::string value, tokens.value_of(*token, is_boolean(*key)));
    const Result<void> set = set_from_text(*key, value, scratch);
    if (!set) return bad_value(*key, value, set.error());
    out.assignments.push_back({key, value});
  }
}

Result<void> set_from_text(const Key<Draft>& key, std::string_view text, Draft& draft) {
  if (const auto* field = std::get_if<DraftField<std::string>>(&key.field)) {
    (*field)(draft) = std::string(text);
    return {};
  }
  if (const auto* field = std::get_if<DraftField<int64_t>>(&key.field)) {
    ASSIGN_OR_RETURN((*field)(draft), parse_go_integer(text));
    return {};
  }
  ASSIGN_OR_RETURN(const bool value, parse_go_boolean(text));
  if (const auto* field = std::get_if<DraftField<bool>>(&key.field)) {
    (*field)(draft) = value;
    return {};
  }
  const auto* field = std::get_if<DraftField<std::optional<bool>>>(&key.field);
  CHECK(field != nullptr, "flag -{} has a type that no flag can give", key.flag);
  (*field)(draft) = value;
  return {};
}

std::string usage_text(const Draft& defaults) {
  std::string out = "Usage of drainer:\n";
  Draft draft = defaults;
  for (const Key<Draft>* key : flags_in_order()) {
    const std::string head = fmt::format("  -{}{}", key->flag, type_name(*key));
    const std::string value =
        std::visit([&](auto field) { return DefaultText{*key}(field(draft)); }, key->field);
    out += head;
    out += head.size() <= 4 ? "\t" : "\n    \t";
    out += key->help;
    if (!value.empty()) out += " (default " + value + ")";
    out += '\n';
  }
  return out;
}

std::vector<const Key<Draft>*> flags_in_order() {
  std::vector<const Key<Draft>*> out;
  for (const Key<Draft>& key : keys()) {
    if (!key.flag.empty()) out.push_back(&key);
  }
  std::ranges::sort(out, {}, &Key<Draft>::flag);
  return out;
}

}  // namespace drainer::conf
