#include "tests/upstream/faults.h"

#include "drainer/base/parse_number.h"

#include <algorithm>
#include <set>

namespace drainer::upstream {

namespace {

const std::map<std::string, RecordVerdict, std::less<>> kVerdicts = {
    {"cut", RecordVerdict::kCut},
    {"end", RecordVerdict::kEnd},
    {"error", RecordVerdict::kError},
    {"corrupt", RecordVerdict::kCorrupt},
};

// Answers that a call to this kind of node can be made to give instead of its own.
bool is_answer(std::string_view kind, const std::string& name) {
  static const std::set<std::string> pd_names = {"not-leader", "no-leader", "no-region", "tso-end"};
  if (name == "fail") return true;
  if (kind == "pd") return pd_names.contains(name);
  const auto is_among = [&name](const std::vector<std::string>& names) {
    return std::ranges::find(names, name) != names.end();
  };
  return kind == "tikv" && (is_among(region_fault_names()) || is_among(lock_fault_names()));
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find_first_of(" \t,", at), text.size());
    if (end > at) out.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

Result<int64_t> parse_count(const std::string& text) {
  const auto value = parse_whole<int64_t>(text);
  if (!value || *value < 0) {
    return make_error(ErrorCode::kInvalid, "{} is no count", text);
  }
  return *value;
}

std::string kind_of(const std::string& node) {
  return node.starts_with("pump") ? "pump" : node.substr(0, node.find('-'));
}

}  // namespace

const std::vector<std::string>& region_fault_names() {
  static const std::vector<std::string> names = {"not-leader",
                                                 "new-leader",
                                                 "region-not-found",
                                                 "key-not-in-region",
                                                 "epoch-not-match",
                                                 "busy",
                                                 "stale-command",
                                                 "store-not-match",
                                                 "timestamp-not-synced",
                                                 "read-index-not-ready",
                                                 "merging",
                                                 "data-is-not-ready",
                                                 "region-not-initialized",
                                                 "disk-full",
                                                 "recovery",
                                                 "is-witness",
                                                 "mismatch-peer",
                                                 "bucket-version",
                                                 "unknown-error"};
  return names;
}

const std::vector<std::string>& lock_fault_names() {
  static const std::vector<std::string> names = {"lock-dead", "lock-committed", "lock-async",
                                                 "lock-alive"};
  return names;
}

Result<Duration> parse_duration(const std::string& text) {
  if (text == "forever") return Duration(std::chrono::hours(24 * 365));
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string unit = text.substr(digits);
  ASSIGN_OR_RETURN(const int64_t value, parse_count(text.substr(0, digits)));
  if (unit == "ms") return Duration(std::chrono::milliseconds(value));
  if (unit == "s") return Duration(std::chrono::seconds(value));
  if (unit == "m") return Duration(std::chrono::minutes(value));
  return make_error(ErrorCode::kInvalid, "{} is no duration such as 150ms, 2s, 1m, forever", text);
}

std::string_view FaultBoard::help() {
  return R"(A fault is `TARGET ACTION [ARGUMENTS]`. TARGET: pd, tikv, pump-1, pump-2 …, pumps, all.
D is a duration (150ms, 2s, 1m, forever), K and N are counts from when the fault is armed.

  on pumps
    cut at K | cut every K      the connection is cut instead of sending the K-th record
    end at K | end every K      the stream ends with status OK there
    error at K | error every K  the stream ends with status UNAVAILABLE there
    corrupt at K                the K-th record has a payload that is no message
    stall D                     nothing is sent for D
    slow N                      at most N records a second (0: no limit)
    pause D                     orderly: registry says paused, streams end, online again after D

  on any node
    kill D [move]               connections are cut, new ones refused for D; move: the node comes
                                back on another port (pumps only)
    refuse D                    new connections are refused for D, those there live on
    delay D                     every call is answered that late (0ms: no more)
    fail N                      the next N calls end with UNAVAILABLE
    restart D                   kill, for `all`: the lot comes back on the same ports, state kept

  on pd
    not-leader N                the next N calls are answered UNAVAILABLE `not leader`
    no-leader N                 the next N GetMembers name no leader
    no-region N                 the next N GetRegion find nothing
    tso-end N                   the next N timestamp requests end their stream
    leader K                    the K-th member of PD leads from now on, see --pds; `kill` and
                                `refuse` take pd, pd-2 … singly

  on tikv
    not-leader N, new-leader N (names the leader), region-not-found N, key-not-in-region N,
    epoch-not-match N, busy N, stale-command N, store-not-match N, timestamp-not-synced N,
    read-index-not-ready N, merging N, data-is-not-ready N, region-not-initialized N, disk-full N,
    recovery N, is-witness N, mismatch-peer N, bucket-version N, unknown-error N
                                the next N requests get that region error
    lock-dead N                 the next N keys read are found locked by a transaction that died
    lock-committed N            … whose primary is committed
    lock-async N                … which committed asynchronously
    lock-alive N                … which is alive and commits one second later
    split                       the region is split in the middle
)";
}

Result<std::vector<std::string>> FaultBoard::resolve(const std::string& target) const {
  if (target == "all") return nodes_;
  std::vector<std::string> out;
  for (const std::string& node : nodes_) {
    if (node == target || (target == "pumps" && kind_of(node) == "pump")) out.push_back(node);
  }
  if (out.empty()) return make_error(ErrorCode::kInvalid, "there is no node {}", target);
  return out;
}

Result<void> FaultBoard::apply(std::string_view text) {
  std::vector<std::string> words = split_words(text);
  if (words.size() < 2) {
    return make_error(ErrorCode::kInvalid, "a fault is TARGET ACTION, not `{}`", text);
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> nodes, resolve(words[0]));
  words.erase(words.begin());
  for (const std::string& node : nodes) {
    auto result = apply_to(node, words);
    if (!result.ok()) return std::move(result).error().because("fault `{}`", text);
  }
  return {};
}

Result<void> FaultBoard::apply_to(const std::string& node, const std::vector<std::string>& words) {
  const std::string& action = words[0];
  const bool is_pump = kind_of(node) == "pump";
  if (action == "split" && node == "tikv") {
    control_->split_region();
    return {};
  }
  if (words.size() < 2) return make_error(ErrorCode::kInvalid, "{} needs an argument", action);
  if (action == "leader" && node == "pd") {
    ASSIGN_OR_RETURN(const int64_t member, parse_count(words[1]));
    return control_->set_pd_leader(static_cast<size_t>(member));
  }
  if (action == "kill" || action == "refuse" || action == "restart" ||
      (action == "pause" && is_pump)) {
    return apply_outage(node, words);
  }
  MutexLock lock(mutex_);
  NodeFaults& faults = faults_[node];
  if (is_pump && kVerdicts.contains(action)) return apply_rule(faults, words);
  if (is_pump && action == "stall") {
    ASSIGN_OR_RETURN(const Duration length, parse_duration(words[1]));
    faults.stalled_until = clock_.now() + length;
    return {};
  }
  if (is_pump && action == "slow") {
    ASSIGN_OR_RETURN(const int64_t rate, parse_count(words[1]));
    faults.rate_limit = static_cast<double>(rate);
    return {};
  }
  if (action == "delay") {
    ASSIGN_OR_RETURN(faults.delay, parse_duration(words[1]));
    return {};
  }
  if (is_answer(kind_of(node), action)) {
    ASSIGN_OR_RETURN(const int64_t count, parse_count(words[1]));
    faults.answers.erase(action);
    if (count > 0) faults.answers.emplace(action, count);
    return {};
  }
  return make_error(ErrorCode::kInvalid, "{} has no fault {}", node, action);
}

Result<void> FaultBoard::apply_rule(NodeFaults& faults, const std::vector<std::string>& words) {
  if (words.size() != 3 || (words[1] != "at" && words[1] != "every")) {
    return make_error(ErrorCode::kInvalid, "{} wants `at K` or `every K`", words[0]);
  }
  ASSIGN_OR_RETURN(const int64_t period, parse_count(words[2]));
  if (period == 0) return make_error(ErrorCode::kInvalid, "records count from 1");
  faults.rules.push_back({.verdict = kVerdicts.find(words[0])->second,
                          .period = period,
                          .left = period,
                          .again = words[1] == "every",
                          .text = fmt::format("{} {} {}", words[0], words[1], words[2])});
  return {};
}

Result<void> FaultBoard::apply_outage(const std::string& node,
                                      const std::vector<std::string>& words) {
  NodeControl::Outage outage;
  ASSIGN_OR_RETURN(outage.length, parse_duration(words[1]));
  outage.cut = words[0] != "refuse";
  outage.orderly = words[0] == "pause";
  outage.move = words.size() > 2 && words[2] == "move";
  if ((words.size() > 2 && !outage.move) || (outage.move && kind_of(node) != "pump")) {
    return make_error(ErrorCode::kInvalid, "{} is not understood", words[2]);
  }
  control_->take_down(node, outage);
  return {};
}

void FaultBoard::clear() {
  MutexLock lock(mutex_);
  faults_.clear();
}

RecordVerdict FaultBoard::judge_record(const std::string& node) {
  MutexLock lock(mutex_);
  const auto found = faults_.find(node);
  if (found == faults_.end()) return RecordVerdict::kSend;
  auto verdict = RecordVerdict::kSend;
  auto& rules = found->second.rules;
  for (RecordRule& rule : rules) {
    if (--rule.left > 0) continue;
    verdict = rule.verdict;
    if (rule.again) rule.left = rule.period;
  }
  std::erase_if(rules, [](const RecordRule& rule) { return rule.left <= 0; });
  return verdict;
}

bool FaultBoard::is_stalled(const std::string& node) const {
  MutexLock lock(mutex_);
  const auto found = faults_.find(node);
  return found != faults_.end() && found->second.stalled_until &&
         *found->second.stalled_until > clock_.now();
}

double FaultBoard::rate_limit(const std::string& node) const {
  MutexLock lock(mutex_);
  const auto found = faults_.find(node);
  return found == faults_.end() ? 0 : found->second.rate_limit;
}

Duration FaultBoard::delay(const std::string& node) const {
  MutexLock lock(mutex_);
  const auto found = faults_.find(node);
  return found == faults_.end() ? Duration() : found->second.delay;
}

bool FaultBoard::take(const std::string& node, const std::string& kind) {
  MutexLock lock(mutex_);
  const auto found = faults_.find(node);
  if (found == faults_.end()) return false;
  const auto answer = found->second.answers.find(kind);
  if (answer == found->second.answers.end()) return false;
  if (--answer->second <= 0) found->second.answers.erase(answer);
  return true;
}

std::optional<std::string> FaultBoard::take_any(const std::string& node,
                                                const std::vector<std::string>& kinds) {
  for (const std::string& kind : kinds) {
    if (take(node, kind)) return kind;
  }
  return std::nullopt;
}

std::vector<std::string> FaultBoard::armed() const {
  MutexLock lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [node, faults] : faults_) {
    for (const RecordRule& rule : faults.rules) {
      out.push_back(fmt::format("{} {} ({} to go)", node, rule.text, rule.left));
    }
    if (faults.stalled_until && *faults.stalled_until > clock_.now()) {
      out.push_back(fmt::format("{} stall", node));
    }
    if (faults.rate_limit > 0) out.push_back(fmt::format("{} slow {}", node, faults.rate_limit));
    if (faults.delay > Duration()) {
      out.push_back(
          fmt::format("{} delay {}ms", node, faults.delay / std::chrono::milliseconds(1)));
    }
    for (const auto& [kind, left] : faults.answers) {
      out.push_back(fmt::format("{} {} {}", node, kind, left));
    }
  }
  return out;
}

}  // namespace drainer::upstream
