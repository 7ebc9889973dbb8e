#pragma once

#include <optional>

#include "drainer/base/bytes.h"
#include "drainer/base/clock.h"
#include "drainer/base/ids.h"
#include "tests/upstream/tso.h"

namespace drainer::upstream {

/// What the pumps have to say, and from when on. Any thread.
class Feed {
 public:
  virtual ~Feed() = default;

  virtual size_t pumps() const = 0;
  /// Transactions of all pumps and repetitions.
  virtual int64_t transactions() const = 0;
  /// The last commit ts that any record can have, fakes included; of a recorded feed.
  virtual CommitTs end_ts() const = 0;
  /// capture.until_ts, in the last repetition.
  virtual CommitTs until_ts() const = 0;

  /// A place in one pump's sequence. Plain value.
  struct Position {
    int64_t repetition = 0;
    size_t index = 0;
  };

  /// One record as it goes out.
  struct Item {
    ByteView payload{};  ///< views what the feed keeps, or `moved`
    Bytes moved{};
    int64_t start_ts = 0;
    int64_t commit_ts = 0;
    int64_t ddl_job_id = 0;
    bool is_fake = false;
  };

  /// The first record with a commit ts above `offset`.
  virtual Position seek(size_t pump, int64_t offset) const = 0;
  virtual bool at_end(size_t pump, const Position& position) const = 0;
  /// Requires: not at_end().
  virtual Item item(size_t pump, const Position& position) const = 0;
  virtual void advance(size_t pump, Position& position) const = 0;

  /// Starts the clock of the pace; only the first call counts.
  virtual void start() = 0;
  /// When the pump comes by the record at `position`. Requires: not at_end(), started.
  virtual TimePoint due(size_t pump, const Position& position) const = 0;
  /// A timestamp for a fake binlog of `pump` while it waits for `position`: above `last`, below the
  /// record, not in the future of the pace, and no transaction's commit ts. Nothing if none fits.
  virtual std::optional<int64_t> fake_ts(size_t pump, const Position& position,
                                         int64_t last) const = 0;
  /// One for a pump that has come to its end: below all that may still come.
  virtual std::optional<int64_t> fake_ts_at_end(size_t pump, const Position& position,
                                                Tso& tso) const = 0;
};

}  // namespace drainer::upstream
