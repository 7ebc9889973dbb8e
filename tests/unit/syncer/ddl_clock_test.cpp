#include "syncer/ddl_clock.h"

#include <catch2/catch.hpp>

namespace drainer {
namespace {

using tidb::ColumnType;

struct Added {
  int64_t id;
  ColumnType type;
  tidb::DefaultValue origin_default;
};

/// Begun on 2026-11-21 at 19:02:00 UTC.
tidb::DdlJob job_of(const std::vector<Added>& columns) {
  tidb::TableInfo info;
  for (const Added& added : columns) {
    tidb::ColumnInfo& column = info.columns.emplace_back();
    column.id = ColumnId(added.id);
    column.type.type = added.type;
    column.origin_default = added.origin_default;
  }
  tidb::DdlJob job;
  job.start_ts = StartTs(make_commit_ts(1'795'287'720'000).value);
  job.table_info = std::make_shared<const tidb::TableInfo>(std::move(info));
  return job;
}

constexpr std::string_view kText =
    "ALTER TABLE `t` ADD COLUMN `z` TIMESTAMP DEFAULT current_timestamp()";

TEST_CASE("ddl clock: the newest column added in that hour tells the time") {
  using Text = std::string;
  struct Case {
    std::string name;
    std::vector<Added> columns;
    std::optional<DdlClock> expected;
  };
  const DdlClock utc{.time = "2026-11-21 19:02:00.25", .is_utc = true};
  const DdlClock tokyo{.time = "2026-11-22 04:02:00", .is_utc = false};
  const std::vector<Case> cases = {
      {"no column", {}, std::nullopt},
      {"no default", {{1, ColumnType::kTimestamp, {}}}, std::nullopt},
      {"a timestamp is UTC", {{1, ColumnType::kTimestamp, Text("2026-11-21 19:02:00.25")}}, utc},
      {"a datetime is the session's",
       {{1, ColumnType::kDatetime, Text("2026-11-22 04:02:00")}},
       tokyo},
      {"the newer one",
       {{2, ColumnType::kDatetime, Text("2026-11-22 04:02:00")},
        {1, ColumnType::kTimestamp, Text("2026-11-21 19:01:00")}},
       tokyo},
      {"a fixed default of the same statement is no time of now",
       {{1, ColumnType::kTimestamp, Text("2026-11-21 19:02:00.25")},
        {2, ColumnType::kDatetime, Text("2001-01-01 00:00:00")},
        {3, ColumnType::kDatetime, Text("0000-00-00 00:00:00")}},
       utc},
      {"a date is that of its noon, as the user's session had it",
       {{1, ColumnType::kDate, Text("2026-11-22")}},
       DdlClock{.time = "2026-11-22 12:00:00", .is_utc = false}},
      {"a date of another day", {{1, ColumnType::kDate, Text("2026-11-24")}}, std::nullopt},
      {"other types", {{1, ColumnType::kVarchar, Text("2026-11-21 19:02:00")}}, std::nullopt},
      {"no time at all", {{1, ColumnType::kTimestamp, Text("now")}}, std::nullopt},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(find_ddl_clock(job_of(c.columns), kText) == c.expected);
  }
}

TEST_CASE("ddl clock: only a statement that asks for the time gets it") {
  const tidb::DdlJob job =
      job_of({{1, ColumnType::kTimestamp, std::string("2026-11-21 19:02:00")}});
  CHECK(find_ddl_clock(job, "ADD COLUMN b DATETIME DEFAULT CURRENT_TIMESTAMP").has_value());
  // A user's own words, of a DDL that comes before its binlog.
  CHECK(find_ddl_clock(job, "alter table t add b datetime default now(), drop c").has_value());
  CHECK(find_ddl_clock(job, "alter table t add b datetime default localtime").has_value());
  CHECK(find_ddl_clock(job, "alter table t add b timestamp default localtimestamp()").has_value());
  CHECK_FALSE(find_ddl_clock(job, "ALTER TABLE t ADD COLUMN b INT").has_value());
  CHECK_FALSE(find_ddl_clock(job, "ALTER TABLE t ADD COLUMN `now` INT COMMENT 'now'").has_value());
  CHECK(find_ddl_clock(job, "alter table t add b date default current_date").has_value());
  CHECK_FALSE(find_ddl_clock(tidb::DdlJob{}, kText).has_value());
}

TEST_CASE("ddl clock: a text made of the date has the time at which its statement began") {
  const tidb::DdlJob job = job_of({{1, ColumnType::kVarchar, std::string("2026-11-21")}});
  CHECK(find_ddl_clock(job, "ALTER TABLE t ADD b VARCHAR(20) DEFAULT (DATE_FORMAT(NOW(), '%Y'))") ==
        DdlClock{.time = "2026-11-21 19:02:00", .is_utc = true});
}

TEST_CASE("ddl clock: where there is no job it is the time of the commit ts") {
  const CommitTs ts = make_commit_ts(1'577'836'800'999);
  CHECK(guess_ddl_clock(ts, kText) == DdlClock{.time = "2020-01-01 00:00:00", .is_utc = true});
  CHECK_FALSE(guess_ddl_clock(ts, "ALTER TABLE t ADD COLUMN b INT").has_value());
}

}  // namespace
}  // namespace drainer
