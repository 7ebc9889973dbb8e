#pragma once

#include <string>

#include "drainer/base/result.h"
#include "drainer/tidb/value.h"

namespace drainer::tidb {

/// Appends the text of `value` as the Go program renders it (spec/row-codec.md 6): numbers in
/// digits, floats by Go's 'g' with shortest digits (6.4), times with fsp digits, JSON as TiDB
/// prints it, strings and binaries as their bytes. Enum, set and bit as their number. kNull and
/// kAbsent append nothing. Never quotes. kCorrupt on malformed decimal or JSON bytes.
Result<void> append_text(std::string& out, const Value& value);

/// Go's strconv 'g' format with the shortest digits that round-trip (6.4).
void append_double(std::string& out, double value);

}  // namespace drainer::tidb
