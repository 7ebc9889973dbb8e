#include "drainer/schema/table_filter.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::schema;

namespace {

TableFilter filter_of(const SyncerOptions& options) {
  Result<TableFilter> filter = TableFilter::make(options);
  INFO((filter.ok() ? "" : filter.error().to_string()));
  REQUIRE(filter.ok());
  return std::move(filter).value();
}

TableFilter allows(std::vector<std::string> schemas, std::vector<TablePattern> tables = {}) {
  SyncerOptions options;
  options.replicate_do_db = std::move(schemas);
  options.replicate_do_table = std::move(tables);
  return filter_of(options);
}

}  // namespace

TEST_CASE("table filter: allowed are the tables of do-db or do-table") {
  const TableFilter filter =
      allows({"fulldb", "~fulldb_re.*"}, {{"db", "table"}, {"db2", "~table"}});
  CHECK_FALSE(filter.skips({"Fulldb", "t1"}));
  CHECK_FALSE(filter.skips({"fulldb_re_x", ""}));
  CHECK_FALSE(filter.skips({"db", "Table"}));
  CHECK(filter.skips({"db", "table_skip"}));
  CHECK(filter.skips({"db", ""}));
  CHECK_FALSE(filter.skips({"db2", "table"}));
  CHECK_FALSE(filter.skips({"db2", "a table within"}));
  CHECK(filter.skips({"other", "table"}));
}

TEST_CASE("table filter: blocking wins over allowing") {
  SyncerOptions options;
  options.replicate_do_table = {{"db2", "~table"}};
  options.ignore_schemas = {"DB2"};
  CHECK(filter_of(options).skips({"db2", "table"}));

  SyncerOptions tables;
  tables.ignore_table = {{"ignore", "ignore"}};
  CHECK(filter_of(tables).skips({"Ignore", "IGNORE"}));
  CHECK_FALSE(filter_of(tables).skips({"not_ignore", "not_ignore"}));
  CHECK_FALSE(filter_of(tables).skips({"ignore", ""}));
  CHECK_FALSE(TableFilter().skips({"mysql", "user"}));
}

TEST_CASE("table filter: a table to be ignored is taken by its name alone") {
  TableFilter filter;
  CHECK(filter.ignore({"tidb.binlog", "Checkpoint"}));
  CHECK_FALSE(filter.ignore({"TIDB.BINLOG", "checkpoint"}));
  CHECK(filter.skips({"Tidb.Binlog", "checkpoint"}));
  CHECK_FALSE(filter.skips({"tidbxbinlog", "checkpoint"}));
  CHECK_FALSE(filter.skips({"tidb.binlog", "checkpoint2"}));
  CHECK_FALSE(filter.skips({"tidb.binlog", ""}));
  CHECK_FALSE(allows({"a"}).ignore({"b", "t"}));
}

TEST_CASE("table filter: an empty name allows only the empty name") {
  const TableFilter filter = allows({""});
  CHECK_FALSE(filter.skips({"", "any"}));
  CHECK(filter.skips({"any", ""}));
}

TEST_CASE("table filter: a database passes do-table only where the empty table does") {
  CHECK_FALSE(allows({}, {{"db", "~.*"}}).skips({"db", ""}));
  CHECK(allows({}, {{"db", "~.+"}}).skips({"db", ""}));
}

TEST_CASE(
    "table filter: names are not escaped, and expressions are lower-cased with their escapes") {
  CHECK_FALSE(allows({"a.b"}).skips({"axb", "t"}));
  CHECK_FALSE(allows({"a|b"}).skips({"ax", "t"}));  // "starts with a" or "ends with b"
  CHECK_FALSE(allows({"~^\\D$"}).skips({"7", "t"}));
  CHECK(allows({"~^\\D$"}).skips({"x", "t"}));
  CHECK_FALSE(allows({"ÄRGER"}).skips({"ärger", "t"}));
  CHECK_FALSE(allows({"~^中"}).skips({"中文", "t"}));
  CHECK(allows({"a"}).skips({"a\n", "t"}));
}

TEST_CASE("table filter: what is no expression is refused with its text") {
  SyncerOptions options;
  options.ignore_table = {{"db", "~("}};
  const Result<TableFilter> filter = TableFilter::make(options);
  REQUIRE_FALSE(filter.ok());
  CHECK(filter.error().code() == ErrorCode::kInvalid);
  CHECK(filter.error().text() == "pattern `~(` of a table filter: missing ): (?i)(");
}
