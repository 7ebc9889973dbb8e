#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "drainer/base/bytes.h"
#include "tests/upstream/capture.h"

namespace drainer::upstream {

/// Moves the rows of a repeated transaction to keys of their own. Immutable once built.
///
/// Moved are tables that the capture creates and keeps with the columns they were created with,
/// whose integer primary key is the row handle, and which have no other unique key, no partitions,
/// no foreign key and no generated column, as long as the moved keys fit their type. A transaction
/// that touches any other table cannot be moved.
class RowShift {
 public:
  /// Learns the tables from the metadata and their key ranges from the records. Does nothing, and
  /// moves nothing, if `repeat` is 1.
  RowShift(const Capture& capture, int64_t repeat);

  /// True for a transaction of movable tables only. DDL and fakes cannot be moved.
  bool can_move(const Record& record) const;
  /// The payload with `ts_shift` added to its timestamps, all keys moved by `repetition` key
  /// ranges of their tables, and the schema version of the capture's end.
  /// Requires: can_move(record).
  Bytes move(const Record& record, int64_t ts_shift, int64_t repetition) const;

 private:
  struct Table {
    int64_t key_column_id = 0;
    bool is_unsigned = false;
    int64_t limit = 0;  // largest key of the column's type that we use
    int64_t least = INT64_MAX;
    int64_t most = INT64_MIN;
    int64_t stride = 0;
  };
  using Tables = std::map<int64_t, Table>;

  void learn_tables(const Capture& capture);
  void learn_ranges(const Capture& capture);

  Tables tables_;
  int64_t schema_version_ = 0;
};

}  // namespace drainer::upstream
