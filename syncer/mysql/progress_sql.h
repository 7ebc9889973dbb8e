#pragma once

#include <charconv>
#include <string>
#include <string_view>

#include "drainer/base/result.h"
#include "syncer/mysql/applied_state.h"
#include "syncer/mysql/progress_table.h"
#include "syncer/mysql/session/named_lock.h"
#include "syncer/mysql/session/session.h"

namespace drainer::mysql {

// What the statements on the progress table have in common. Pure functions.

template <class Number>
Number number_of(const Field& field) {
  Number value{};
  if (field) std::from_chars(field->data(), field->data() + field->size(), value);
  return value;
}

/// Fields that make an AppliedState, in this order.
inline constexpr std::string_view kStateFields = "commit_ts, applied, ddl_ts";
/// Of a row that begins with them.
Result<AppliedState> parse_state(const ResultRow& row);
/// Sets them, without the text in `SET`.
std::string state_assignments(const AppliedState& state);

/// Schema and table, quoted.
std::string table_of(const schema::TableName& name);
/// An owner's name as text; it holds no character that the sql_mode could turn.
std::string quoted(std::string_view text);

/// Held by the session of the worker that writes the row for `owner`.
NamedLock session_lock(const ProgressTable::Id& id, std::string_view worker,
                       const std::string& owner);

}  // namespace drainer::mysql
