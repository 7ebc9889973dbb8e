#pragma once

#include "drainer/tidb/field_type.h"
#include "drainer/tidb/value.h"

namespace drainer::tidb {

/// What default_value() gives for a column of `type`, as a row's own value would be: what TiDB
/// reads where a row lacks the column. Integers, YEAR and floats are numbers, not texts (the YEAR
/// '7' is 2007, '0' is 2000 and '0000' is 0); BIT has its width, times have their digits. The rest
/// comes back as it is. Pure.
///
/// SQL and the original's formats carry the text itself: whoever reads it makes the same of it.
Value row_default(Value value, const FieldType& type);

}  // namespace drainer::tidb
