#include "syncer/mysql/rows/row_uses.h"

#include <algorithm>

#include "tests/unit/mysql/sample.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using namespace sample;

DownstreamColumn column(ColumnClass column_class) {
  return {.name = "c", .column_class = column_class, .is_unicode = true};
}

std::optional<uint64_t> hash_text(const std::string& value, uint32_t prefix_length = 0) {
  return hash_value(text(value), column(ColumnClass::kText), prefix_length);
}

TEST_CASE("row uses: texts that a collation may hold equal hash equal") {
  CHECK(hash_text("Abc") == hash_text("aBC  "));
  CHECK(hash_text("Abc") != hash_text("Abd"));
  CHECK(hash_text("abc", 2) == hash_text("ABd", 2));
  CHECK(hash_text("\xd0\x9f\xd0\xbe") == hash_text("\xd0\xbf\xd0\x9e"));  // По, пО
  CHECK(hash_text("\xe4\xb8\xad") != hash_text("\xe6\x96\x87"));          // 中, 文
  CHECK(hash_text("Julius") == hash_text("IVLIVS"));
  CHECK(hash_text("Wy") == hash_text("ui"));
  // é, ß, a control character, no UTF-8: anything may be equal to them.
  for (const char* value : {"\xc3\xa9",
                            "stra\xc3\x9f"
                            "e",
                            "a\x01", "\xff", "\xe4\xb8"}) {
    INFO(value);
    CHECK_FALSE(hash_text(value).has_value());
  }
  DownstreamColumn hungarian = column(ColumnClass::kText);
  hungarian.has_unknown_equals = true;
  CHECK_FALSE(hash_value(text("ggy"), hungarian, 0).has_value());
  DownstreamColumn chinese = column(ColumnClass::kText);
  chinese.is_unicode = false;
  CHECK_FALSE(hash_value(text("a~"), chinese, 0).has_value());
  CHECK_FALSE(hash_value(text("`a"), chinese, 0).has_value());
  CHECK(hash_value(text("a!"), chinese, 0).has_value());
  DownstreamColumn binary = column(ColumnClass::kText);
  binary.is_binary_collation = true;
  CHECK(hash_value(text("a"), binary, 0) != hash_value(text("A"), binary, 0));
  CHECK(hash_value(text("\xc3\xa9 "), binary, 0) == hash_value(text("\xc3\xa9"), binary, 0));
}

TEST_CASE("row uses: numbers and bytes by value, other types not at all") {
  CHECK(hash_value(real(0.0), column(ColumnClass::kDouble), 0) ==
        hash_value(real(-0.0), column(ColumnClass::kDouble), 0));
  CHECK(hash_value(binary(std::string("a\0", 2)), column(ColumnClass::kFixedBytes), 0) ==
        hash_value(binary("a"), column(ColumnClass::kFixedBytes), 0));
  CHECK(hash_value(number(1), column(ColumnClass::kPlain), 0) !=
        hash_value(number(2), column(ColumnClass::kPlain), 0));
  CHECK_FALSE(hash_value(text("1"), column(ColumnClass::kPlain), 0).has_value());
  CHECK_FALSE(hash_value(text("{}"), column(ColumnClass::kJson), 0).has_value());
}

tidb::Value decimal(const std::string& value) {
  return tidb::Value::of_bytes(text(value).bytes(), tidb::ValueKind::kDecimal);
}

tidb::Value datetime(uint64_t microseconds) {
  return tidb::Value::of_uint((uint64_t{20260101} << 24) + microseconds,
                              tidb::ValueKind::kDatetime);
}

tidb::Value duration(int64_t nanoseconds) {
  tidb::Value value = tidb::Value::of_int(nanoseconds);
  value.kind = tidb::ValueKind::kDuration;
  return value;
}

TEST_CASE("row uses: what the downstream would round has no hash", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db(fakes::MariadbServer::shared().port());
  db.reset("test");
  db.run(
      "CREATE TABLE t(d0 DATETIME, d3 TIMESTAMP(3), d6 DATETIME(6), t0 TIME, t6 TIME(6), day DATE, "
      "n1 DECIMAL(10,1), n4 DECIMAL(10,4), f FLOAT, f1 FLOAT(7,1), g DOUBLE, g1 DOUBLE(7,1))");
  const auto table = DownstreamTables().find(db.session(), {"test", "t"});
  REQUIRE(table.ok());
  const auto has_hash = [&](const std::string& column, const tidb::Value& value) {
    const auto at = static_cast<size_t>((*table)->find_column(column));
    return hash_value(value, (*table)->columns.at(at), 0).has_value();
  };
  CHECK(has_hash("d0", datetime(0)));
  CHECK_FALSE(has_hash("d0", datetime(100'000)));
  CHECK(has_hash("d3", datetime(100'000)));
  CHECK_FALSE(has_hash("d3", datetime(100)));
  CHECK(has_hash("d6", datetime(1)));
  CHECK(has_hash("t0", duration(-5'000'000'000)));
  CHECK_FALSE(has_hash("t0", duration(-5'500'000'000)));
  CHECK(has_hash("t6", duration(-5'500'001'000)));
  CHECK(has_hash("day", tidb::Value::of_uint(1, tidb::ValueKind::kDate)));
  CHECK_FALSE(has_hash("day", datetime(0)));
  // 1.1, 1.10 and 1.11 (row-codec.md 1.4).
  CHECK(has_hash("n1", decimal("\x02\x01\x81\x01")));
  CHECK(has_hash("n1", decimal("\x03\x02\x81\x0a")));
  CHECK_FALSE(has_hash("n1", decimal("\x03\x02\x81\x0b")));
  CHECK(has_hash("n4", decimal("\x03\x02\x81\x0b")));
  CHECK(has_hash("f", real(1.25)));
  CHECK_FALSE(has_hash("f1", real(1.25)));
  CHECK(has_hash("g", real(1.25)));
  CHECK_FALSE(has_hash("g1", real(1.25)));
}

/// Table test.t(id primary, b unique, c) and what a transaction uses of it.
struct Fixture {
  TablePtr t = table_t();
  RowUses keys;

  Fixture() : keys(RowUses::make(*t, description(), {})) {}

  static TableDescription description() {
    TableDescription table;
    table.columns = {{.name = "id", .column_class = ColumnClass::kPlain},
                     {.name = "b", .column_class = ColumnClass::kText, .is_unicode = true},
                     {.name = "c", .column_class = ColumnClass::kText, .is_unicode = true}};
    table.unique_keys = {{.name = "PRIMARY", .columns = {0}, .prefix_lengths = {0}},
                         {.name = "uk_b", .columns = {1}, .prefix_lengths = {0}}};
    return table;
  }
  static std::vector<KeyUse> uses_of(const RowUses& keys, const Txn& txn) {
    std::vector<KeyUse> uses;
    for (const RowChange& row : txn.rows) keys.append_uses(txn, row, uses);
    return uses;
  }
};

bool conflict(const std::vector<KeyUse>& a, const std::vector<KeyUse>& b) {
  return std::ranges::any_of(a, [&](const KeyUse& x) {
    return std::ranges::any_of(
        b, [&](const KeyUse& y) { return x.hash == y.hash && (x.is_write || y.is_write); });
  });
}

TEST_CASE("row uses: rows conflict when old or new values share a unique key") {
  const Fixture f;
  const auto uses = [&](Txn txn) { return Fixture::uses_of(f.keys, txn); };
  const auto row = [](int64_t id, Values::value_type b) { return Values{number(id), b, null()}; };
  const auto insert = [&](int64_t id, Values::value_type b) {
    return uses(TxnBuilder(1).insert(f.t, row(id, b)).build());
  };
  const auto swap = uses(TxnBuilder(1).update(f.t, row(1, text("a")), row(1, text("z"))).build());
  CHECK(conflict(swap, insert(2, text("A"))));
  CHECK(conflict(swap, insert(2, text("z "))));
  CHECK(conflict(swap, insert(1, text("q"))));
  CHECK_FALSE(conflict(swap, insert(2, text("q"))));
  CHECK_FALSE(conflict(insert(1, null()), insert(2, null())));
  // A letter of which the collation may think anything takes the whole table.
  CHECK(conflict(insert(1, text("\xc3\xa9")), insert(2, text("q"))));
}

TEST_CASE("row uses: rows without a complete key and opaque indexes take the table") {
  const Fixture f;
  TableDescription description = Fixture::description();
  description.unique_keys.erase(description.unique_keys.begin());
  const auto nullable = RowUses::make(*f.t, description, {});
  const auto uses = [&](const RowUses& keys, int64_t id, Values::value_type b) {
    return Fixture::uses_of(keys, TxnBuilder(1).insert(f.t, {number(id), b, null()}).build());
  };
  CHECK(conflict(uses(nullable, 1, null()), uses(nullable, 2, text("b"))));
  CHECK_FALSE(conflict(uses(nullable, 1, text("a")), uses(nullable, 2, text("b"))));
  description.unique_keys[0].is_opaque = true;
  const auto opaque = RowUses::make(*f.t, description, {});
  CHECK(conflict(uses(opaque, 1, text("a")), uses(opaque, 2, text("b"))));
}

TEST_CASE("row uses: triggers are told of where they are known, not where there may be some") {
  const Fixture f;
  TableDescription description = Fixture::description();
  CHECK_FALSE(RowUses::make(*f.t, description, {}).has_triggers());
  // Not all tables of a server can be written one after the other.
  description.may_have_triggers = true;
  CHECK_FALSE(RowUses::make(*f.t, description, {}).has_triggers());
  description.has_triggers = true;
  CHECK(RowUses::make(*f.t, description, {}).has_triggers());
}

TEST_CASE("row uses: a child conflicts with its parent, not with its siblings") {
  const Fixture f;
  const auto parent_description = std::make_shared<TableDescription>(Fixture::description());
  const TablePtr child =
      table("test", "child", {{"k", tidb::ColumnType::kLong}, {"parent", tidb::ColumnType::kLong}});
  TableDescription description;
  description.columns = {{.name = "k", .column_class = ColumnClass::kPlain},
                         {.name = "parent", .column_class = ColumnClass::kPlain}};
  description.unique_keys = {{.name = "PRIMARY", .columns = {0}, .prefix_lengths = {0}}};
  description.foreign_keys = {
      {.name = "fk", .parent = {"TEST", "t"}, .columns = {1}, .parent_columns = {"ID"}}};
  const auto keys = RowUses::make(*child, description, {parent_description});
  const auto uses = [&](int64_t k, Values::value_type parent) {
    return Fixture::uses_of(keys, TxnBuilder(1).insert(child, {number(k), parent}).build());
  };
  const Txn parent_txn = TxnBuilder(1).remove(f.t, {number(7), text("x"), null()}).build();
  const auto parent = Fixture::uses_of(f.keys, parent_txn);
  CHECK(conflict(uses(1, number(7)), parent));
  CHECK_FALSE(conflict(uses(1, number(8)), parent));
  CHECK_FALSE(conflict(uses(1, null()), parent));
  CHECK_FALSE(conflict(uses(1, number(7)), uses(2, number(7))));
}

}  // namespace
}  // namespace drainer::mysql
