#include "tests/fakes/log_grammar.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace drainer::fakes {

namespace {

// What stands for a byte that is no UTF-8, with quotes around the text or without.
constexpr std::string_view kReplacement = "\\ufffd";

bool must_be_quoted(char c) {
  return static_cast<unsigned char>(c) <= 0x20 ||
         std::string_view("\\\"[]=").find(c) != std::string_view::npos;
}

// Reads a line from its front.
class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  bool at_end() const { return rest_.empty(); }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // Each 'd' of the pattern stands for a digit, 's' for a sign.
  bool take_pattern(std::string_view pattern) {
    if (rest_.size() < pattern.size()) return false;
    for (size_t i = 0; i < pattern.size(); ++i) {
      const char c = rest_[i];
      const bool fits = pattern[i] == 'd'   ? std::isdigit(static_cast<unsigned char>(c)) != 0
                        : pattern[i] == 's' ? c == '+' || c == '-'
                                            : c == pattern[i];
      if (!fits) return false;
    }
    rest_.remove_prefix(pattern.size());
    return true;
  }

  std::optional<std::string> take_text() { return take('"') ? take_quoted() : take_bare(); }

 private:
  std::optional<std::string> take_bare() {
    std::string out;
    while (!rest_.empty()) {
      if (rest_.starts_with(kReplacement)) {
        rest_.remove_prefix(kReplacement.size());
        out += "\xef\xbf\xbd";
        continue;
      }
      if (must_be_quoted(rest_.front())) break;
      out += rest_.front();
      rest_.remove_prefix(1);
    }
    return out;
  }

  std::optional<std::string> take_quoted() {
    std::string out;
    bool has_reason = false;
    while (!rest_.empty() && rest_.front() != '"') {
      has_reason =
          has_reason || (must_be_quoted(rest_.front()) && !rest_.starts_with(kReplacement));
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (static_cast<unsigned char>(c) < 0x20) return std::nullopt;
      if (c != '\\') {
        out += c;
      } else if (!take_escape(out)) {
        return std::nullopt;
      }
    }
    if (!take('"') || !has_reason) return std::nullopt;
    return out;
  }

  bool take_escape(std::string& out) {
    constexpr std::string_view kLetters = "\\\"nrt";
    constexpr std::string_view kBytes = "\\\"\n\r\t";
    if (rest_.empty()) return false;
    const char letter = rest_.front();
    rest_.remove_prefix(1);
    if (const size_t at = kLetters.find(letter); at != std::string_view::npos) {
      out += kBytes[at];
      return true;
    }
    if (letter != 'u' || rest_.size() < 4) return false;
    const std::string digits(rest_.substr(0, 4));
    rest_.remove_prefix(4);
    if (digits == "fffd") {
      out += "\xef\xbf\xbd";
      return true;
    }
    if (!digits.starts_with("00") ||
        digits.find_first_not_of("0123456789abcdef") != std::string::npos)
      return false;
    const int code = std::stoi(digits, nullptr, 16);
    if (code >= 0x20) return false;
    out += static_cast<char>(code);
    return true;
  }

  std::string_view rest_;
};

bool take_head(Reader& reader, LogLine& out) {
  static const std::set<std::string> kLevels = {"DEBUG", "INFO",   "WARN", "ERROR",
                                                "FATAL", "DPANIC", "PANIC"};
  if (!reader.take_pattern("[dddd/dd/dd dd:dd:dd.ddd sdd:dd] [")) return false;
  const auto level = reader.take_text();
  if (!level || !kLevels.contains(*level) || !reader.take_pattern("] [")) return false;
  const auto caller = reader.take_text();
  if (!caller || !reader.take(']')) return false;
  const size_t colon = caller->find(':');
  const auto is_name = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '_';
  };
  if (colon == std::string::npos || colon == 0 || colon + 1 == caller->size()) return false;
  if (!std::all_of(caller->begin(), caller->begin() + static_cast<ptrdiff_t>(colon), is_name))
    return false;
  if (caller->find_first_not_of("0123456789", colon + 1) != std::string::npos) return false;
  out.level = *level;
  out.caller = *caller;
  return true;
}

}  // namespace

std::string LogLine::field(std::string_view key) const {
  for (const auto& [name, value] : fields) {
    if (name == key) return value;
  }
  return {};
}

std::optional<LogLine> parse_log_line(std::string_view line) {
  LogLine out;
  Reader reader(line);
  if (!take_head(reader, out)) return std::nullopt;
  for (bool is_first = true; !reader.at_end(); is_first = false) {
    if (!reader.take_pattern(" [")) return std::nullopt;
    auto text = reader.take_text();
    if (!text || text->empty()) return std::nullopt;
    if (reader.take('=')) {
      auto value = reader.take_text();
      if (!value) return std::nullopt;
      out.fields.emplace_back(*std::move(text), *std::move(value));
    } else if (is_first) {
      out.message = *std::move(text);
    } else {
      return std::nullopt;
    }
    if (!reader.take(']')) return std::nullopt;
  }
  return out;
}

std::vector<LogLine> parse_log(std::string_view log, std::vector<std::string>& strange) {
  std::vector<LogLine> out;
  while (!log.empty()) {
    const size_t end = std::min(log.find('\n'), log.size());
    const std::string_view line = log.substr(0, end);
    log.remove_prefix(std::min(end + 1, log.size()));
    if (auto parsed = parse_log_line(line)) {
      out.push_back(*std::move(parsed));
    } else {
      strange.emplace_back(line);
    }
  }
  return out;
}

}  // namespace drainer::fakes
