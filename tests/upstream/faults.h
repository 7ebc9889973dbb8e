#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/mutex.h"
#include "drainer/base/result.h"

namespace drainer::upstream {

/// What befalls whole nodes; the Simulator does it. Node names are "pd", "tikv", "pump-1" ….
class NodeControl {
 public:
  virtual ~NodeControl() = default;

  struct Outage {
    bool cut = false;      ///< end the connections that are there
    bool orderly = false;  ///< a pump tells the registry and ends its streams in order
    bool move = false;     ///< it comes back on another port
    Duration length{};
  };
  /// Takes a node off the network for a while.
  virtual void take_down(const std::string& node, const Outage& outage) = 0;
  /// Makes another member of PD the leader, counted from 1.
  virtual Result<void> set_pd_leader(size_t member) = 0;
  /// Splits the region in the middle of the DDL history.
  virtual void split_region() = 0;
};

/// Answers of TiKV about its regions that a call can be made to give instead of its own.
const std::vector<std::string>& region_fault_names();
/// Locks that a call of TiKV can be made to meet.
const std::vector<std::string>& lock_fault_names();

/// What a pump does instead of sending the next record.
enum class RecordVerdict : uint8_t { kSend, kCut, kEnd, kError, kCorrupt };

/// The scripted faults: armed by text, consumed by the services. Any thread.
///
/// The grammar is in help(). Counts start when the fault is armed.
class FaultBoard {
 public:
  FaultBoard(std::vector<std::string> nodes, Clock& clock)
      : nodes_(std::move(nodes)), clock_(clock) {}

  /// For the actions on nodes; must be set before apply().
  void set_control(NodeControl* control) { control_ = control; }

  /// Parses and arms one fault. kInvalid with the reason.
  Result<void> apply(std::string_view text) EXCLUDES(mutex_);
  void clear() EXCLUDES(mutex_);

  /// Counts one record of this node and says what to do with it.
  RecordVerdict judge_record(const std::string& node) EXCLUDES(mutex_);
  bool is_stalled(const std::string& node) const EXCLUDES(mutex_);
  /// Records per second that the node may send; 0 is no limit.
  double rate_limit(const std::string& node) const EXCLUDES(mutex_);

  /// How late the node answers a call.
  Duration delay(const std::string& node) const EXCLUDES(mutex_);
  /// True as often as the answer `kind` was ordered of the node.
  bool take(const std::string& node, const std::string& kind) EXCLUDES(mutex_);
  /// Any answer ordered of the node whose kind is in `kinds`.
  std::optional<std::string> take_any(const std::string& node,
                                      const std::vector<std::string>& kinds) EXCLUDES(mutex_);

  /// What is armed, in the words of the grammar.
  std::vector<std::string> armed() const EXCLUDES(mutex_);

  static std::string_view help();

 private:
  struct RecordRule {
    RecordVerdict verdict = RecordVerdict::kSend;
    int64_t period = 0;
    int64_t left = 0;  // until it strikes
    bool again = false;
    std::string text;
  };
  struct NodeFaults {
    std::vector<RecordRule> rules;
    std::optional<TimePoint> stalled_until;
    double rate_limit = 0;
    Duration delay{};
    std::map<std::string, int64_t> answers;
  };

  Result<std::vector<std::string>> resolve(const std::string& target) const;
  Result<void> apply_to(const std::string& node, const std::vector<std::string>& words)
      EXCLUDES(mutex_);
  Result<void> apply_rule(NodeFaults& faults, const std::vector<std::string>& words)
      REQUIRES(mutex_);
  Result<void> apply_outage(const std::string& node, const std::vector<std::string>& words);

  const std::vector<std::string> nodes_;
  Clock& clock_;
  NodeControl* control_ = nullptr;
  mutable Mutex mutex_;
  std::map<std::string, NodeFaults> faults_ GUARDED_BY(mutex_);
};

/// "150ms", "2s", "1m", "forever".
Result<Duration> parse_duration(const std::string& text);

}  // namespace drainer::upstream
