#include "drainer/schema/name_pattern.h"

namespace drainer::schema {

namespace {

size_t to_index(char c) {
  return static_cast<unsigned char>(c);
}

}  // namespace

NamePattern::ByteSet NamePattern::parse_class(std::string_view members) {
  const bool is_negated = members.size() > 1 && members[0] == '!';
  if (is_negated) members.remove_prefix(1);
  ByteSet set;
  for (size_t i = 0; i < members.size(); ++i) {
    const bool is_range = i + 2 < members.size() && members[i + 1] == '-';
    const size_t last = to_index(members[is_range ? i + 2 : i]);
    for (size_t byte = to_index(members[i]); byte <= last; ++byte) set.set(byte);
    if (is_range) i += 2;
  }
  return is_negated ? ~set : set;
}

Result<NamePattern> NamePattern::parse(std::string_view pattern) {
  NamePattern out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const size_t close = c == '[' ? pattern.find(']', i) : std::string_view::npos;
    ByteSet set;
    if (c == '*') {
      if (i + 1 != pattern.size()) {
        return make_error(ErrorCode::kInvalid, "pattern `{}`: `*` must be its last character",
                          pattern);
      }
      out.is_prefix_ = true;
      break;
    }
    if (c == '?') {
      set.set();
    } else if (close != std::string_view::npos) {
      set = parse_class(pattern.substr(i + 1, close - i - 1));
      i = close;
    } else {
      set.set(to_index(c));
    }
    out.bytes_.push_back(set);
  }
  return out;
}

bool NamePattern::matches(std::string_view name) const {
  if (name.size() < bytes_.size() || (!is_prefix_ && name.size() > bytes_.size())) return false;
  for (size_t i = 0; i < bytes_.size(); ++i) {
    if (!bytes_[i].test(to_index(name[i]))) return false;
  }
  return true;
}

}  // namespace drainer::schema
