#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace drainer::loopback {

inline constexpr std::string_view kMarkSchema = "retl";
inline constexpr std::string_view kMarkTable = "_drainer_repl_mark";
/// `id` and `channel_info` of the row by which a starting drainer of ours with `sync-ddl = true`
/// tells the one of the opposite direction. The original neither writes nor looks at it.
inline constexpr int64_t kNoteId = -1;
inline constexpr std::string_view kSyncDdlNote = "sync-ddl=true";

/// How one writer marks its transactions: statements without the semicolon at their end. Plain
/// data.
struct Mark {
  /// First statement of each transaction; without exactly one matched row the transaction would
  /// travel back to where it came from, so it must not commit.
  std::string update;
  /// In its place, within the same transaction, when the row is gone.
  std::string insert;
};

/// The SQL of the mark table (spec/mysql-sink.md 3.1), to the byte what the original sends. Each
/// writer has a row of its own; the transactions that raise its `val` are this channel's.
/// Immutable; any thread.
///
/// FIX: rows are bound to writers instead of going round them, so that two transactions on their
/// way never wait for each other's mark; and they are never deleted, since a second drainer of the
/// channel may live on them.
class MarkTable {
 public:
  explicit MarkTable(int64_t channel_id) : channel_id_(channel_id) {}

  /// To be run in this order at each start, each in its own transaction: database, table, and the
  /// rows 0 … writers-1 anew. They are recognized by the other side like any marked transaction.
  std::vector<std::string> setup_statements(int64_t writers) const;

  /// To be run at each start, after these: changes the note in any case, so that it comes to the
  /// other side's binlog as a marked transaction of its own.
  std::string note_statement(bool sync_ddl) const;

  /// Of the writer with this number, from 0.
  Mark mark_of(int64_t writer) const;

 private:
  int64_t channel_id_;
};

/// What one writer begins its transactions with. Immutable; any thread.
class WriterMarks {
 public:
  WriterMarks(int64_t channel_id, int64_t writer) : channel_id_(channel_id), writer_(writer) {}

  /// For changes that carry the marks of `channels`: the same again, so that the mark names where
  /// they were made however far they travel. Without any: our own.
  std::vector<Mark> marks_for(const std::vector<int64_t>& channels) const;

 private:
  int64_t channel_id_;
  int64_t writer_;
};

}  // namespace drainer::loopback
