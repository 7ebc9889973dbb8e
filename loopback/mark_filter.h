#pragma once

#include <cstdint>
#include <vector>

#include "drainer/base/result.h"
#include "drainer/schema/schema.h"
#include "drainer/tidb/binlog_view.h"

namespace drainer::loopback {

/// Whose marks a transaction carries. Plain data.
struct MarksFound {
  bool stops_here = false;  ///< one of ours is among them: the transaction goes no further
  /// It is the note of a drainer that has just started to write to our upstream, with our
  /// `channel-id` and `sync-ddl = true`. Never with channel-ids: there a chain of such is right.
  bool is_sync_ddl_note = false;
  /// The others, rising, when it does not stop. Their writers have nothing to do with us, or are
  /// drainers of other clusters in a ring or star, or one of them is the drainer of the opposite
  /// direction with a wrong `channel-id`.
  std::vector<int64_t> other_channels;
};

/// Looks at the mark tables of the upstream, before their rows are needed. True: there is one.
/// kInvalid when its marks could not be read.
Result<bool> check_mark_table(const schema::Schema& schema);

/// Recognizes transactions that a drainer of our own channel wrote (spec/mysql-sink.md 3.2), or one
/// of the other channels that stop here (README.md, "Rings and stars"). Immutable; any thread.
class MarkFilter {
 public:
  /// Off: nothing is ever our own.
  MarkFilter() = default;
  /// `stop_channels` are syncer.channel-ids; without them foreign marks are not handed on.
  explicit MarkFilter(int64_t channel_id, std::vector<int64_t> stop_channels = {});

  bool is_on() const { return !stop_channels_.empty(); }
  /// Whether a transaction with marks of other channels keeps them downstream, instead of getting
  /// ours as one of this cluster.
  bool hands_on_marks() const { return hands_on_marks_; }

  /// Looks at all rows of `retl`.`_drainer_repl_mark` (names compared without case) in the
  /// transaction, at the new value of an update. Only rows of that table are decoded. A channel_id
  /// that is no signed integer is an error, as in the original.
  Result<MarksFound> find_marks(const tidb::PrewriteView& prewrite,
                                const schema::Schema& schema) const;

 private:
  std::vector<int64_t> stop_channels_;
  bool hands_on_marks_ = false;
};

}  // namespace drainer::loopback
