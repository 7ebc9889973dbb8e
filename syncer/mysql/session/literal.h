#pragma once

#include <string>
#include <string_view>

#include "drainer/base/bytes.h"
#include "drainer/base/result.h"
#include "drainer/tidb/value.h"

namespace drainer::mysql {

/// State of the session that decides how texts are quoted.
struct QuoteStyle {
  bool no_backslash_escapes = false;
};

// Values as SQL text (spec/mysql-sink.md 1.2, 2.8, 6.8). All functions append; pure, any thread.

/// `` `name` `` with inner back-quotes doubled.
void append_identifier(std::string& out, std::string_view name);
/// `` `schema`.`table` ``
void append_table_name(std::string& out, std::string_view schema, std::string_view table);
/// `'…'` with escapes: 00 0A 0D 1A ' " \ with a backslash, or only '' where a backslash is
/// ordinary.
void append_quoted(std::string& out, ByteView bytes, QuoteStyle style);

/// A value of a session variable: digits as the number that numeric variables insist on, else
/// quoted.
void append_variable_value(std::string& out, std::string_view value, QuoteStyle style);

/// The literal for a value that is written: digits for numbers (enum, set and bit too), 'text' for
/// character data, decimals, times and JSON, _binary'…' for binary data. `is_binary_column` says
/// how the text of a default is to be taken. kAbsent must not come. kCorrupt on malformed bytes.
Result<void> append_literal(std::string& out, const tidb::Value& value, QuoteStyle style,
                            bool is_binary_column = false);

}  // namespace drainer::mysql
