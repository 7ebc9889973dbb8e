#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "drainer/base/bytes.h"
#include "drainer/base/ids.h"

namespace drainer::relay {

/// A part of a file, and the commit ts that are wanted of it, both included. Plain data.
struct Stretch {
  size_t file = 0;  ///< its number
  uint64_t begin = 0;
  uint64_t end = 0;
  CommitTs from{0};
  CommitTs to{INT64_MAX};
  /// Holds what lies behind the stretch before, too, should that have lost its end.
  bool repeats_before = false;
};

/// How the records of files come into commit-ts order.
///
/// A writer that starts again goes back to a place before the end and writes everything from there
/// on, as far as it comes: after a crash a little, after somebody has moved its checkpoint back far
/// more, even to before all that the files hold. So files are runs of rising commit ts, each of
/// which holds everything between its first and its last. Of what several hold the latest is
/// taken. What an earlier run has behind the end of the latest follows, if that has reached it;
/// else something may be missing between them. One thread.
class RecordRuns {
 public:
  /// `lowest`: the first commit ts of files before the ones to be added, where there are such.
  explicit RecordRuns(std::optional<CommitTs> lowest = {}) : lowest_(lowest) {}

  /// The next file.
  void add_file(size_t file, ByteView content);

  /// What to read one after the other to get the records from `start` on.
  std::vector<Stretch> stretches(CommitTs start) const;

  /// The latest run that begins before everything that earlier ones hold.
  struct Anew {
    size_t file;
    uint64_t offset;
    CommitTs begin;
    CommitTs first_before;  ///< where the earlier ones begin
    CommitTs end;           ///< how far one gets without a gap
    /// What lies behind a gap, and is left out.
    std::optional<CommitTs> first_left_out;
    CommitTs last_left_out{0};
  };
  std::optional<Anew> find_anew() const;

 private:
  struct Span {
    size_t file = 0;
    uint64_t begin = 0;
    uint64_t end = 0;
    std::optional<CommitTs> first = {};
    CommitTs last{0};
    bool is_damaged = false;
  };
  struct Run {
    CommitTs first;
    CommitTs last;
    std::vector<Span> spans;
  };
  struct Piece {
    const Run* run;
    CommitTs from;
    CommitTs to;
    bool repeats_before;
  };
  struct Cover {
    std::vector<Piece> pieces;  ///< commit ts rising
    std::vector<const Run*> left_out;
  };

  void end_span(Span span);
  Cover cover() const;

  const std::optional<CommitTs> lowest_;
  std::vector<Run> runs_;
  std::vector<Span> early_spans_;  ///< damage before the first record
};

}  // namespace drainer::relay
