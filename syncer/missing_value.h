#pragma once

#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "drainer/schema/schema.h"
#include "drainer/tidb/time_zone.h"
#include "drainer/tidb/value.h"

namespace drainer {

/// What stands for a value that a row lacks: the default or zero of column number `column`, as the
/// writer with schema version `writer` knew the column (spec/row-codec.md 8.1).
///
/// Never kAbsent; TIMESTAMPs are converted to `zone`. Borrows from `table`. Pure.
Result<tidb::Value> missing_value(const schema::TableVersion& table, SchemaVersion writer,
                                  size_t column, const tidb::TimeZone& zone);

}  // namespace drainer
