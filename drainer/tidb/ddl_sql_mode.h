#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "drainer/tidb/ddl_lexer.h"

namespace drainer::tidb {

// Where strings of a DDL text end: in which SQL mode it was written (spec/schema-and-ddl.md 4.4).
// Pure functions.

/// The statements of `text` without their ';', empty ones left out. Borrows it. Text that does not
/// fall into tokens is one statement.
std::vector<std::string_view> split_statements(std::string_view text);

/// The SQL mode in which a user's text makes sense: the default one, unless a string does not end
/// in it, or double quotes stand around names.
SqlMode guess_sql_mode(std::string_view text);

/// The text as it has to read in the default SQL mode.
///
/// TiDB prints strings of DDL with quotes doubled; backslashes it doubles only in expressions
/// (defaults, column comments), not in members of ENUM and SET, comments of tables, indices and
/// partitions, and other options: COMMENT='t\\' becomes 't\', which swallows what follows. Those
/// get their backslashes doubled here. Text not printed by TiDB (TiDB < 5.4, or kept because TiDB
/// could not parse it in the default mode) is rewritten from the mode that it seems to be in:
/// "name" to `name`, \ in strings to \\.
std::string to_default_sql_mode(std::string_view text);

}  // namespace drainer::tidb
