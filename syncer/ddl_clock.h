#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "drainer/tidb/ddl_job.h"

namespace drainer {

/// What CURRENT_TIMESTAMP (or CURRENT_DATE, FIX) was upstream when a column with that default was
/// added: the rows that were there hold it. Plain data.
struct DdlClock {
  std::string time;     ///< YYYY-MM-DD HH:MM:SS[.ffffff]
  bool is_utc = false;  ///< else in the time zone of the user's session

  friend bool operator==(const DdlClock&, const DdlClock&) = default;
};

/// Read from the `origin_default` of the columns that `job` has added
/// (spec/schema-and-ddl.md 1.11). Nothing when `text` does not ask for the time, or the job does
/// not tell. Pure.
std::optional<DdlClock> find_ddl_clock(const tidb::DdlJob& job, std::string_view text);

/// The same where only the text is known: the time of its commit ts, seconds after the statement
/// began. Pure.
std::optional<DdlClock> guess_ddl_clock(CommitTs commit_ts, std::string_view text);

}  // namespace drainer
