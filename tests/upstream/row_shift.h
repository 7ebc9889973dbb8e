#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "drainer/base/bytes.h"
#include "tests/upstream/capture.h"

namespace drainer::upstream {

/// Moves the rows of a repeated transaction to keys of their own. Immutable once built.
///
/// Only tables whose integer primary key is the row handle, and which have no other unique key, no
/// partitions and no foreign key can be moved; a transaction with any other table is not repeated.
class RowShift {
 public:
  /// Learns the tables from the DDL history at meta_ts.
  explicit RowShift(const Capture& capture);

  /// True when every table of this transaction can be moved, and it is not a DDL.
  bool can_move(const Record& record) const;
  /// The payload with `ts_shift` added to its timestamps and `repetition` key ranges added to its
  /// handles and primary keys. Requires: can_move(record).
  Bytes move(const Record& record, int64_t ts_shift, int64_t repetition) const;

 private:
  struct Table {
    int64_t key_column_id = 0;
    bool is_unsigned = false;
  };

  std::map<int64_t, Table> tables_;
  int64_t stride_ = 0;  // above all handles of the capture
};

}  // namespace drainer::upstream
