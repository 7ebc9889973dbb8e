#include "syncer/mysql/rows/statement.h"

#include "syncer/mysql/rows/packet.h"
#include "tests/unit/mysql/sample.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using namespace sample;
using tidb::ColumnType;
using tidb::Value;
using tidb::ValueKind;

struct DownColumn {
  std::string name;
  std::string type = "int";
  std::string extra = "";
};
/// Index name and its columns; "" is an expression.
using DownKey = std::pair<std::string, std::vector<std::string>>;

TableDescription downstream(const std::vector<DownColumn>& columns,
                            const std::vector<DownKey>& keys) {
  std::vector<ResultRow> column_rows;
  for (const DownColumn& column : columns) {
    column_rows.push_back({column.name, column.extra, column.type, "utf8mb4", "4", "utf8mb4_bin",
                           "YES", std::nullopt, std::nullopt});
  }
  std::vector<ResultRow> key_rows;
  for (const auto& [name, parts] : keys) {
    for (size_t i = 0; i < parts.size(); ++i) {
      key_rows.push_back({"0", name, std::to_string(i + 1),
                          parts[i].empty() ? Field() : Field(parts[i]), std::nullopt});
    }
  }
  return describe(column_rows, key_rows);
}

TablePlan plan_of(const TablePtr& table, const TableDescription& description,
                  MissingColumns missing = MissingColumns::kFail) {
  auto plan = TablePlan::make(*table, description, missing);
  REQUIRE(plan.ok());
  return std::move(plan).value();
}

TablePlan plan_t() {
  return plan_of(table_t(), downstream({{"id"}, {"b", "varchar"}, {"c", "text"}},
                                       {{"PRIMARY", {"id"}}, {"uk_b", {"b"}}}));
}

std::string insert(const TablePlan& plan, const Values& row) {
  std::string sql;
  REQUIRE(append_insert(sql, "INSERT", plan, row, {}).ok());
  return sql;
}
std::string update(const TablePlan& plan, const Values& old_row, const Values& new_row) {
  std::string sql;
  REQUIRE(append_update(sql, plan, new_row, old_row, {}).ok());
  return sql;
}
std::string remove(const TablePlan& plan, const Values& row) {
  std::string sql;
  REQUIRE(append_delete(sql, plan, row, {}).ok());
  return sql;
}

/// All packets that a writer sends for `txn`, each in brackets when there is more than one.
std::string packets(const TablePlan& plan, const Txn& txn, WriteMode mode,
                    PacketLimits limits = {1 << 20, 1 << 20, 1000, 10, 1 << 20, 500}) {
  std::vector<std::string> sent;
  const PlanSet ordered;
  PacketWriter writer(limits, {}, mode, ordered, [&](std::string_view packet) -> Result<void> {
    sent.emplace_back(packet);
    return {};
  });
  for (const RowChange& row : txn.rows) {
    auto added = writer.add_row(plan, txn, row);
    if (!added.ok()) return added.error().to_string();
  }
  REQUIRE(writer.finish().ok());
  if (sent.size() == 1) return sent[0];
  std::string all;
  for (const std::string& packet : sent) all += "[" + packet + "]";
  return all;
}

TEST_CASE("statement: the worked example of the specification, on the wire") {
  const TablePlan t = plan_t();
  CHECK(insert(t, {number(1), text("a"), null()}) ==
        "INSERT INTO `test`.`t`(`b`,`c`,`id`) VALUES('a',NULL,1)");
  CHECK(update(t, {number(2), text("b"), text("x")}, {number(2), text("c"), text("x")}) ==
        "UPDATE `test`.`t` SET `b` = 'c',`c` = 'x',`id` = 2 WHERE `id` = 2 LIMIT 1");
  CHECK(remove(t, {number(3), text("d"), text("it's")}) ==
        "DELETE FROM `test`.`t` WHERE `id` = 3 LIMIT 1");
  const TablePlan n = plan_of(table_n(), downstream({{"x"}, {"y", "double"}}, {}));
  CHECK(insert(n, {number(10), real(1.5)}) == "INSERT INTO `test`.`n`(`x`,`y`) VALUES(10,1.5)");
  CHECK(remove(n, {number(11), null()}) ==
        "DELETE FROM `test`.`n` WHERE `x` = 11 AND `y` IS NULL LIMIT 1");
}

TEST_CASE("statement: a nullable unique key serves only rows without NULL in it") {
  const auto t2 = table("d", "t2", {{"b", ColumnType::kVarchar}, {"c", ColumnType::kLong}});
  const TablePlan plan = plan_of(t2, downstream({{"b", "varchar"}, {"c"}}, {{"uk", {"b"}}}));
  CHECK(update(plan, {text("b"), number(1)}, {null(), number(2)}) ==
        "UPDATE `d`.`t2` SET `b` = NULL,`c` = 2 WHERE `b` = 'b' LIMIT 1");
  CHECK(remove(plan, {null(), number(2)}) ==
        "DELETE FROM `d`.`t2` WHERE `b` IS NULL AND `c` = 2 LIMIT 1");
}

TEST_CASE("statement: columns are sorted by bytes and keep the upstream's spelling") {
  const auto t = table(
      "d", "a`b", {{"a", ColumnType::kLong}, {"_c", ColumnType::kLong}, {"B", ColumnType::kLong}});
  const TablePlan plan = plan_of(t, downstream({{"A"}, {"b"}, {"_C"}}, {{"PRIMARY", {"_C"}}}));
  CHECK(insert(plan, {number(1), number(2), number(3)}) ==
        "INSERT INTO `d`.`a``b`(`B`,`_c`,`a`) VALUES(3,2,1)");
  CHECK(remove(plan, {number(1), number(2), number(3)}) ==
        "DELETE FROM `d`.`a``b` WHERE `_c` = 2 LIMIT 1");
}

TEST_CASE("statement: the primary key comes first, an opaque key is never used") {
  const auto t = table("d", "t", {{"a", ColumnType::kLong}, {"b", ColumnType::kLong}});
  const auto description =
      downstream({{"a"}, {"b"}}, {{"uk_a", {"a"}}, {"uk_x", {""}}, {"PRIMARY", {"b"}}});
  CHECK(description.unique_keys[0].name == "PRIMARY");
  CHECK(remove(plan_of(t, description), {number(1), number(2)}) ==
        "DELETE FROM `d`.`t` WHERE `b` = 2 LIMIT 1");
  const TablePlan opaque = plan_of(t, downstream({{"a"}, {"b"}}, {{"uk_x", {"a", ""}}}));
  CHECK(remove(opaque, {number(1), number(2)}) ==
        "DELETE FROM `d`.`t` WHERE `a` = 1 AND `b` = 2 LIMIT 1");
}

TEST_CASE("statement: the keys of a table are grouped as the specification says") {
  const auto description = describe(
      {{"id", "", "int", std::nullopt, std::nullopt, std::nullopt, "NO", std::nullopt, "0"},
       {"a1", "", "int", std::nullopt, std::nullopt, std::nullopt, "NO", std::nullopt, "0"},
       {"a2", "", "int", std::nullopt, std::nullopt, std::nullopt, "NO", std::nullopt, "0"},
       {"a3", "", "int", std::nullopt, std::nullopt, std::nullopt, "NO", std::nullopt, "0"},
       {"a4", "", "int", std::nullopt, std::nullopt, std::nullopt, "NO", std::nullopt, "0"}},
      {{"0", "dex1", "1", "a1", std::nullopt},
       {"0", "PRIMARY", "1", "id", std::nullopt},
       {"0", "dex2", "1", "a2", "7"},
       {"1", "dex3", "1", "a4", std::nullopt},
       {"0", "dex2", "2", "a3", std::nullopt}});
  REQUIRE(description.unique_keys.size() == 3);
  CHECK(description.unique_keys[0].name == "PRIMARY");
  CHECK(description.unique_keys[1].name == "dex1");
  CHECK(description.unique_keys[2].columns == std::vector<uint32_t>{2, 3});
  CHECK(description.unique_keys[2].prefix_lengths == std::vector<uint32_t>{7, 0});
  CHECK(description.columns[4].is_indexed);
  CHECK_FALSE(description.columns[3].is_indexed);
}

TEST_CASE("statement: generated columns of either side and absent ones are left out") {
  const auto t = table("d", "t",
                       {{"a", ColumnType::kLong},
                        {"g", ColumnType::kLong, "utf8mb4", /*is_generated=*/true},
                        {"h", ColumnType::kLong}});
  const TablePlan plan = plan_of(
      t, downstream({{"a"}, {"g", "int", "VIRTUAL GENERATED"}, {"h", "int", "STORED GENERATED"}},
                    {{"uk", {"h"}}}));
  CHECK(insert(plan, {number(1), number(2), number(3)}) == "INSERT INTO `d`.`t`(`a`) VALUES(1)");
  const TablePlan wide = plan_of(t, downstream({{"a"}, {"g"}, {"h"}}, {}));
  CHECK(update(wide, {number(1), Value(), Value()}, {number(2), Value(), Value()}) ==
        "UPDATE `d`.`t` SET `a` = 2 WHERE `a` = 1 LIMIT 1");
  CHECK(insert(wide, {number(1), Value(), Value()}) == "INSERT INTO `d`.`t`(`a`) VALUES(1)");
}

TEST_CASE("statement: a column missing downstream is an error, or dropped in sync-mode 2") {
  const auto description = downstream({{"id"}, {"b", "varchar"}}, {{"PRIMARY", {"id"}}});
  auto failed = TablePlan::make(*table_t(), description, MissingColumns::kFail);
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().to_string() == "column `c` of `test`.`t` does not exist downstream");
  const TablePlan plan = plan_of(table_t(), description, MissingColumns::kDrop);
  CHECK(insert(plan, {number(1), text("a"), null()}) ==
        "INSERT INTO `test`.`t`(`b`,`id`) VALUES('a',1)");
}

TEST_CASE("statement: rows without a key are looked for by the bytes of their values") {
  struct Case {
    std::string type;
    Value value;
    std::string condition;
  };
  const std::vector<Case> cases = {
      {"float", Value::of_double(1.1, ValueKind::kDouble), "`c` = 1.100000023841858"},
      {"float", Value::of_bytes("1.1", ValueKind::kText), "`c` = 1.100000023841858"},
      {"double", real(1.1), "`c` = 1.1"},
      {"decimal", Value::of_bytes("12.50", ValueKind::kText), "`c` = 12.50"},
      {"varchar", text("a "), "BINARY `c` = 'a '"},
      {"char", text("a  "), "BINARY `c` = 'a'"},
      {"binary", binary("a"), "`c` = _binary'a\\0\\0\\0'"},
      {"blob", binary("a"), "`c` = _binary'a'"},
      {"json", text("{}"), "`c` = /*!50708 CAST(*/'{}'/*!50708  AS JSON)*/"},
      {"datetime", text("2020-01-01 00:00:00"), "`c` = '2020-01-01 00:00:00'"},
  };
  const auto t = table("d", "t", {{"c", ColumnType::kVarchar}});
  for (const Case& c : cases) {
    CAPTURE(c.type);
    const TablePlan plan = plan_of(t, downstream({{"c", c.type}}, {}));
    CHECK(remove(plan, {c.value}) == "DELETE FROM `d`.`t` WHERE " + c.condition + " LIMIT 1");
  }
  auto indexed = downstream({{"c", "varchar"}}, {});
  indexed.columns[0].is_indexed = true;
  indexed.columns[0].is_unicode = false;
  CHECK(remove(plan_of(t, indexed), {text("a")}) ==
        "DELETE FROM `d`.`t` WHERE `c` = 'a' AND BINARY CONVERT(`c` USING utf8mb4) = 'a' LIMIT 1");
}

TEST_CASE("packet: rows are written table by table, counts are guarded") {
  const TablePlan plan = plan_t();
  const auto t = table_t();
  const Txn txn = TxnBuilder(1)
                      .insert(t, {number(1), text("a"), null()})
                      .insert(t, {number(2), text("b"), null()})
                      .remove(t, {number(3), text("c"), null()})
                      .remove(t, {number(4), text("d"), null()})
                      .update(t, {number(5), text("e"), null()}, {number(6), text("e"), null()})
                      .remove(t, {number(7), text("f"), null()})
                      .build();
  CHECK(packets(plan, txn, WriteMode::kExact) ==
        "DELETE FROM `test`.`t` WHERE `id` IN (3,4,7);"
        "SET @drainer_guard=18446744073709551615+(ROW_COUNT()<>3);"
        "UPDATE `test`.`t` SET `b` = 'e',`c` = NULL,`id` = 6 WHERE `id` = 5 LIMIT 1;"
        "SET @drainer_guard=18446744073709551615+(ROW_COUNT()<>1);"
        "INSERT INTO `test`.`t`(`b`,`c`,`id`) VALUES('a',NULL,1),('b',NULL,2);");
  CHECK(packets(plan, txn, WriteMode::kSafe) ==
        "REPLACE INTO `test`.`t`(`b`,`c`,`id`) VALUES('a',NULL,1),('b',NULL,2);"
        "DELETE FROM `test`.`t` WHERE `id` IN (3,4,5);"
        "REPLACE INTO `test`.`t`(`b`,`c`,`id`) VALUES('e',NULL,6);"
        "DELETE FROM `test`.`t` WHERE `id` = 7 LIMIT 1;");
}

TEST_CASE("packet: safe mode leaves columns alone that only the downstream has") {
  const auto t = table("d", "t", {{"a", ColumnType::kLong}, {"b", ColumnType::kLong}});
  const auto columns = std::vector<DownColumn>{{"a"}, {"b"}, {"extra"}};
  const Txn txn = TxnBuilder(1)
                      .insert(t, {number(1), number(0)})
                      .update(t, {number(2), number(0)}, {number(2), number(1)})
                      .update(t, {number(3), number(0)}, {number(4), number(0)})
                      .build();
  const std::string tail = " ON DUPLICATE KEY UPDATE `a`=VALUES(`a`),`b`=VALUES(`b`);";
  CHECK(packets(plan_of(t, downstream(columns, {{"PRIMARY", {"a"}}})), txn, WriteMode::kSafe) ==
        "INSERT INTO `d`.`t`(`a`,`b`) VALUES(1,0)" + tail +
            "INSERT INTO `d`.`t`(`a`,`b`) VALUES(2,1)" + tail +
            "DELETE FROM `d`.`t` WHERE `a` = 3 LIMIT 1;"
            "INSERT INTO `d`.`t`(`a`,`b`) VALUES(4,0)" +
            tail);
  // It would change one of the rows that the new one meets.
  const auto two_keys = downstream(columns, {{"PRIMARY", {"a"}}, {"uk", {"b"}}});
  CHECK(packets(plan_of(t, two_keys), txn, WriteMode::kSafe) ==
        "REPLACE INTO `d`.`t`(`a`,`b`) VALUES(1,0);"
        "DELETE FROM `d`.`t` WHERE `a` = 2 LIMIT 1;"
        "REPLACE INTO `d`.`t`(`a`,`b`) VALUES(2,1);"
        "DELETE FROM `d`.`t` WHERE `a` = 3 LIMIT 1;"
        "REPLACE INTO `d`.`t`(`a`,`b`) VALUES(4,0);");
}

TEST_CASE("packet: the changes of one row become one, those of a table one statement") {
  const auto t = table("d", "t", {{"a", ColumnType::kLong}, {"b", ColumnType::kLong}});
  const TablePlan plan = plan_of(t, downstream({{"a"}, {"b"}}, {{"PRIMARY", {"a"}}}));
  const auto row = [](int64_t a, int64_t b) { return Values{number(a), number(b)}; };
  const Txn txn = TxnBuilder(1)
                      .update(t, row(2, 0), row(2, 1))
                      .update(t, row(1, 0), row(1, 1))
                      .remove(t, row(3, 0))
                      .insert(t, row(3, 5))
                      .update(t, row(2, 1), row(2, 2))
                      .insert(t, row(4, 0))
                      .update(t, row(4, 0), row(4, 1))
                      .update(t, row(5, 0), row(5, 1))
                      .remove(t, row(5, 1))
                      .build();
  CHECK(packets(plan, txn, WriteMode::kExact) ==
        "DELETE FROM `d`.`t` WHERE `a` = 5 LIMIT 1;"
        "SET @drainer_guard=18446744073709551615+(ROW_COUNT()<>1);"
        "INSERT INTO `d`.`t`(`a`,`b`) VALUES(1,1),(2,2),(3,5)"
        " ON DUPLICATE KEY UPDATE `a`=VALUES(`a`),`b`=VALUES(`b`);"
        "SET @drainer_guard=18446744073709551615+(ROW_COUNT()<>6);"
        "INSERT INTO `d`.`t`(`a`,`b`) VALUES(4,1);");
  // The key that another row leaves is taken only after it has been left.
  const Txn moved =
      TxnBuilder(2).update(t, row(1, 0), row(9, 0)).update(t, row(2, 0), row(1, 0)).build();
  CHECK(packets(plan, moved, WriteMode::kExact) ==
        "UPDATE `d`.`t` SET `a` = 9,`b` = 0 WHERE `a` = 1 LIMIT 1;"
        "SET @drainer_guard=18446744073709551615+(ROW_COUNT()<>1);"
        "UPDATE `d`.`t` SET `a` = 1,`b` = 0 WHERE `a` = 2 LIMIT 1;"
        "SET @drainer_guard=18446744073709551615+(ROW_COUNT()<>1);");
  // Inserted and deleted: both are written.
  const Txn gone = TxnBuilder(3).insert(t, row(1, 0)).remove(t, row(1, 0)).build();
  CHECK(packets(plan, gone, WriteMode::kExact) ==
        "INSERT INTO `d`.`t`(`a`,`b`) VALUES(1,0);"
        "DELETE FROM `d`.`t` WHERE `a` = 1 LIMIT 1;"
        "SET @drainer_guard=18446744073709551615+(ROW_COUNT()<>1);");
}

TEST_CASE("packet: with a second unique key a row changes in place while both keys stay") {
  const auto t = table(
      "d", "t", {{"a", ColumnType::kLong}, {"b", ColumnType::kLong}, {"c", ColumnType::kLong}});
  const TablePlan plan =
      plan_of(t, downstream({{"a"}, {"b"}, {"c"}}, {{"PRIMARY", {"a"}}, {"uk", {"b"}}}));
  const auto row = [](int64_t a, int64_t b, int64_t c) {
    return Values{number(a), number(b), number(c)};
  };
  const Txn txn = TxnBuilder(1)
                      .update(t, row(1, 1, 0), row(1, 1, 5))
                      .update(t, row(2, 2, 0), row(2, 20, 0))
                      .update(t, row(3, 3, 0), row(3, 3, 6))
                      .build();
  CHECK(packets(plan, txn, WriteMode::kExact) ==
        "INSERT INTO `d`.`t`(`a`,`b`,`c`) VALUES(1,1,5),(3,3,6)"
        " ON DUPLICATE KEY UPDATE `a`=VALUES(`a`),`b`=VALUES(`b`),`c`=VALUES(`c`);"
        "SET @drainer_guard=18446744073709551615+(ROW_COUNT()<>4);"
        "UPDATE `d`.`t` SET `a` = 2,`b` = 20,`c` = 0 WHERE `a` = 2 LIMIT 1;"
        "SET @drainer_guard=18446744073709551615+(ROW_COUNT()<>1);");
}

TEST_CASE("packet: a NULL that the downstream does not take is not hidden among other rows") {
  const auto t = table("d", "t", {{"a", ColumnType::kLong}, {"b", ColumnType::kVarchar}});
  auto description = downstream({{"a"}, {"b", "varchar"}}, {{"PRIMARY", {"a"}}});
  description.columns[1].is_nullable = false;
  const TablePlan plan = plan_of(t, description);
  const Txn txn =
      TxnBuilder(1).insert(t, {number(1), text("a")}).insert(t, {number(2), null()}).build();
  CHECK(packets(plan, txn, WriteMode::kExact) ==
        "INSERT INTO `d`.`t`(`a`,`b`) VALUES(1,'a');INSERT INTO `d`.`t`(`a`,`b`) VALUES(2,NULL);");
}

TEST_CASE("packet: deletes by a composite key become alternatives, those without key stay alone") {
  const auto t = table("d", "t", {{"a", ColumnType::kLong}, {"b", ColumnType::kVarchar}});
  const Txn txn =
      TxnBuilder(1).remove(t, {number(1), text("x")}).remove(t, {number(2), text("y")}).build();
  const auto columns = std::vector<DownColumn>{{"a"}, {"b", "varchar"}};
  CHECK(
      packets(plan_of(t, downstream(columns, {{"PRIMARY", {"a", "b"}}})), txn, WriteMode::kSafe) ==
      "DELETE FROM `d`.`t` WHERE (`a` = 1 AND `b` = 'x') OR (`a` = 2 AND `b` = 'y');");
  CHECK(packets(plan_of(t, downstream(columns, {})), txn, WriteMode::kSafe) ==
        "DELETE FROM `d`.`t` WHERE `a` = 1 AND BINARY `b` = 'x' LIMIT 1;"
        "DELETE FROM `d`.`t` WHERE `a` = 2 AND BINARY `b` = 'y' LIMIT 1;");
}

TEST_CASE("packet: deletes stay alone where triggers may see their order") {
  TableDescription description = downstream({{"a"}}, {{"PRIMARY", {"a"}}});
  description.may_have_triggers = true;
  const auto t = table("d", "t", {{"a", ColumnType::kLong}});
  const Txn txn = TxnBuilder(1).remove(t, {number(2)}).remove(t, {number(1)}).build();
  CHECK(packets(plan_of(t, description), txn, WriteMode::kSafe) ==
        "DELETE FROM `d`.`t` WHERE `a` = 2 LIMIT 1;DELETE FROM `d`.`t` WHERE `a` = 1 LIMIT 1;");
}

TEST_CASE("packet: is cut between statements and never beyond what the server takes") {
  const TablePlan plan = plan_t();
  const auto t = table_t();
  TxnBuilder builder(1);
  for (int i = 0; i < 4; ++i) {
    builder.insert(t, {number(i), text(std::string(40, 'x')), null()});
  }
  const Txn txn = builder.build();
  const std::string row = "INSERT INTO `test`.`t`(`b`,`c`,`id`) VALUES('" + std::string(40, 'x');
  const std::string sent = packets(plan, txn, WriteMode::kExact, {200, 250, 1000, 10, 50, 500});
  CHECK(sent ==
        "[" + row + "',NULL,0);" + row + "',NULL,1);][" + row + "',NULL,2);" + row + "',NULL,3);]");
  CHECK(packets(plan, txn, WriteMode::kExact, {50, 60, 1000, 10, 50, 500}) ==
        "statement of 94 bytes is larger than the downstream's max_allowed_packet allows (60 "
        "bytes)");
  CHECK(packets(plan, txn, WriteMode::kExact, {1000, 1000, 1000, 10, 1000, 3}) ==
        row + "',NULL,0),('" + std::string(40, 'x') + "',NULL,1),('" + std::string(40, 'x') +
            "',NULL,2);" + row + "',NULL,3);");
}

TEST_CASE("packet: holds few statements that may read a whole table") {
  const auto n = table_n();
  const TablePlan plan = plan_of(n, downstream({{"x"}, {"y", "double"}}, {}));
  const Txn txn = TxnBuilder(1)
                      .remove(n, {number(1), null()})
                      .update(n, {number(2), null()}, {number(3), null()})
                      .remove(n, {number(4), null()})
                      .build();
  const std::string sent =
      packets(plan, txn, WriteMode::kSafe, {1 << 20, 1 << 20, 1000, 2, 1 << 20, 500});
  CHECK(sent ==
        "[DELETE FROM `test`.`n` WHERE `x` = 1 AND `y` IS NULL LIMIT 1;"
        "DELETE FROM `test`.`n` WHERE `x` = 2 AND `y` IS NULL LIMIT 1;]"
        "[REPLACE INTO `test`.`n`(`x`,`y`) VALUES(3,NULL);"
        "DELETE FROM `test`.`n` WHERE `x` = 4 AND `y` IS NULL LIMIT 1;]");
}

}  // namespace
}  // namespace drainer::mysql
