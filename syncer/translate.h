#pragma once

#include <functional>
#include <vector>

#include "drainer/base/result.h"
#include "drainer/schema/schema.h"
#include "drainer/tidb/binlog_item.h"
#include "drainer/tidb/time_zone.h"
#include "syncer/newer_column.h"
#include "syncer/txn.h"

namespace drainer {

/// Which row changes go on; an empty function lets all pass.
struct RowFilter {
  /// False: all rows of the table are dropped without being decoded.
  std::function<bool(const schema::TableName&)> keeps_table;
  /// False: this kind of row change on the table is dropped.
  std::function<bool(const schema::TableName&, RowKind)> keeps_kind;
};

/// A DML binlog to a transaction (spec/row-codec.md 2–4, 8; mysql-sink.md 5).
///
/// `schema` must have been advanced to the binlog's schema version. Values borrow from the item,
/// which the transaction takes over. TIMESTAMPs are converted to `zone`; columns that inserted rows
/// lack get their defaults. Rows of truncated tables are dropped, and so are row changes that are
/// there twice (DoubleWrites), unless the schema shows the original's errors. `newer`, if given,
/// gets the columns whose rows may be of a later schema: unknown columns are left out, unknown
/// members of an ENUM are its invalid value. Rows of a table with SETs that cannot be read are left
/// out, too, when it is given: with an `is_required` in it the transaction is not whole, and has to
/// be translated without it for its rows or its error. Pure, but for what `filter`
/// remembers. kCorrupt errors name table and row.
Result<Txn> translate_dml(tidb::BinlogItem item, const tidb::PrewriteView& prewrite,
                          const schema::Schema& schema, const tidb::TimeZone& zone,
                          const RowFilter& filter, std::vector<NewerColumn>* newer = nullptr);

}  // namespace drainer
