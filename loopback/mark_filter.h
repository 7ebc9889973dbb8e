#pragma once

#include <cstdint>
#include <optional>

#include "drainer/base/result.h"
#include "drainer/schema/schema.h"
#include "drainer/tidb/binlog_view.h"

namespace drainer::loopback {

/// Whose marks a transaction carries. Plain data.
struct MarksFound {
  bool is_own = false;  ///< ours: the transaction goes back no further
  /// Another one, when ours is not there. Its writer has nothing to do with us, or it is the
  /// drainer of the opposite direction with a wrong `channel-id`.
  std::optional<int64_t> other_channel;
};

/// Recognizes transactions that a drainer of our own channel wrote (spec/mysql-sink.md 3.2).
/// Immutable; any thread.
class MarkFilter {
 public:
  /// Off: nothing is ever our own.
  MarkFilter() = default;
  explicit MarkFilter(int64_t channel_id) : channel_id_(channel_id) {}

  bool is_on() const { return channel_id_.has_value(); }

  /// Looks at all rows of `retl`.`_drainer_repl_mark` (names compared without case) in the
  /// transaction, at the new value of an update. Only rows of that table are decoded. A channel_id
  /// that is no signed integer is an error, as in the original.
  Result<MarksFound> find_marks(const tidb::PrewriteView& prewrite,
                                const schema::Schema& schema) const;

 private:
  std::optional<int64_t> channel_id_;
};

}  // namespace drainer::loopback
