#include "syncer/mysql/applied_state.h"

#include <algorithm>
#include <charconv>

namespace drainer::mysql {

CommitTs AppliedState::last_ts() const {
  CommitTs last = std::max(commit_ts, ddl_ts);
  if (!spans.empty()) last = std::max(last, spans.rbegin()->second);
  if (!parts.empty()) last = std::max(last, parts.rbegin()->first);
  return last;
}

bool AppliedState::contains(CommitTs ts) const {
  if (ts <= commit_ts) return true;
  const auto after = spans.lower_bound(ts);  // the first that begins at ts or later
  return after != spans.begin() && std::prev(after)->second >= ts;
}

void AppliedState::normalise() {
  while (!spans.empty() && spans.begin()->first <= commit_ts) {
    commit_ts = std::max(commit_ts, spans.begin()->second);
    spans.erase(spans.begin());
  }
  std::erase_if(parts, [&](const auto& part) { return contains(part.first); });
  if (!contains(ddl_ts)) return;
  ddl_ts = CommitTs();
  ddl_facts.clear();
}

void AppliedState::raise(CommitTs ts) {
  if (ts > commit_ts) commit_ts = ts;
  normalise();
}

void AppliedState::add(CommitTs previous, CommitTs last) {
  if (last > previous) {
    auto next = spans.upper_bound(previous);
    if (next != spans.begin() && std::prev(next)->second >= previous) {
      --next;
      previous = next->first;
    }
    while (next != spans.end() && next->first <= last) {
      last = std::max(last, next->second);
      next = spans.erase(next);
    }
    spans.emplace(previous, last);
  }
  normalise();
}

void AppliedState::merge(const AppliedState& other) {
  commit_ts = std::max(commit_ts, other.commit_ts);
  for (const auto& [previous, last] : other.spans) add(previous, last);
  for (const auto& [ts, rows] : other.parts) parts[ts] = std::max(parts[ts], rows);
  if (other.ddl_ts > ddl_ts) {
    ddl_ts = other.ddl_ts;
    ddl_facts = other.ddl_facts;
  }
  normalise();
}

std::string encode_spans(const AppliedState& state) {
  std::string text;
  int64_t from = state.commit_ts.value;
  for (const auto& [previous, last] : state.spans) {
    fmt::format_to(std::back_inserter(text), "{}{:x}+{:x}", text.empty() ? "" : ",",
                   previous.value - from, last.value - previous.value);
    from = last.value;
  }
  for (const auto& [ts, rows] : state.parts) {
    fmt::format_to(std::back_inserter(text), "{}{:x}:{}", text.empty() ? "" : ",",
                   ts.value - state.commit_ts.value, rows);
  }
  if (!state.ddl_facts.empty()) text += "!" + state.ddl_facts;
  return text;
}

Result<void> decode_spans(std::string_view text, AppliedState& state) {
  if (const size_t facts = text.find('!'); facts != std::string_view::npos) {
    state.ddl_facts = text.substr(facts + 1);
    text = text.substr(0, facts);
  }
  const auto corrupt = [&] {
    return make_error(ErrorCode::kCorrupt, "applied transactions `{}` are malformed", text);
  };
  int64_t from = state.commit_ts.value;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    int64_t distance = 0;
    const auto first = std::from_chars(at, end, distance, 16);
    if (first.ec != std::errc() || first.ptr == end || distance < 0) return corrupt();
    const bool is_span = *first.ptr == '+';
    if (!is_span && *first.ptr != ':') return corrupt();
    int64_t number = 0;
    const auto second = std::from_chars(first.ptr + 1, end, number, is_span ? 16 : 10);
    if (second.ec != std::errc() || number <= 0) return corrupt();
    int64_t begin = 0;
    const int64_t base = is_span ? from : state.commit_ts.value;
    if (__builtin_add_overflow(base, distance, &begin)) return corrupt();
    if (is_span) {
      if (__builtin_add_overflow(begin, number, &from)) return corrupt();
      state.spans.emplace(CommitTs(begin), CommitTs(from));
    } else {
      state.parts.emplace(CommitTs(begin), static_cast<uint64_t>(number));
    }
    at = second.ptr;
    if (at == end) break;
    if (*at != ',' || at + 1 == end) return corrupt();
    ++at;
  }
  return {};
}

}  // namespace drainer::mysql
