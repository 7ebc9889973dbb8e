#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "drainer/base/ids.h"
#include "drainer/base/result.h"

namespace drainer::mysql {

/// Which upstream transactions the downstream holds: all up to a low-water mark, and some above it.
///
/// Those above are kept as spans (previous, last] of commit ts, where `previous` is the transaction
/// right before the span in the stream, so that spans which meet become one and spans that begin at
/// the mark raise it. Plain data.
struct AppliedState {
  /// Everything up to it is applied; 0 in a new row.
  CommitTs commit_ts{};
  /// Spans above commit_ts, apart from each other: end by begin.
  std::map<CommitTs, CommitTs> spans{};
  /// Transactions too large for one downstream transaction, not yet complete: how many of their
  /// first rows are applied.
  std::map<CommitTs, uint64_t> parts{};
  /// A DDL that has been begun and may or may not have happened; 0 when none is open.
  CommitTs ddl_ts{};
  /// What the downstream showed before that DDL (ddl_facts.h); empty when that is not known.
  std::string ddl_facts{};

  bool contains(CommitTs ts) const;
  /// Nothing above it has been applied, not even in part.
  CommitTs last_ts() const;
  /// Everything up to `ts` is applied.
  void raise(CommitTs ts);
  /// Everything in (previous, last] is applied.
  void add(CommitTs previous, CommitTs last);
  /// Takes in what another row knows.
  void merge(const AppliedState& other);

  friend bool operator==(const AppliedState&, const AppliedState&) = default;

 private:
  /// Drops what the low-water mark says already.
  void normalise();
};

// Text of spans and parts, in hexadecimal but for the rows, in rising order:
//
//     text  = [ entry *( "," entry ) ] [ "!" facts ]
//     entry = gap "+" length       span: begin as distance from the end of the span before (the
//                                  first: from commit_ts), and its length
//           / distance ":" rows    part: its commit ts as distance from commit_ts
//     facts = ddl_facts, letters and digits

std::string encode_spans(const AppliedState& state);
/// Fills spans, parts and ddl_facts of `state`, whose commit_ts is set. kCorrupt for anything else
/// than encode_spans() makes.
Result<void> decode_spans(std::string_view text, AppliedState& state);

}  // namespace drainer::mysql
