// Several workers against MariaDB: whatever order the conflict graph allows, and wherever a run is
// cut off, the tables end as if all transactions had been run one after the other, once.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "tests/unit/mysql/sample.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using namespace sample;
using fakes::MariadbServer;

/// The upstream in memory: tables p(id, u unique), c(id, p -> p.id), n(x, y) without key; makes
/// random transactions that are valid one after the other.
class Upstream {
 public:
  explicit Upstream(uint32_t seed) : random_(seed) {}

  /// `commit_ts` decides the content: made twice, it is the same transaction.
  void append(int64_t commit_ts) {
    TxnBuilder txn(commit_ts);
    for (size_t i = 1 + below(4); i > 0; --i) change(txn);
    txns_.push_back(txn.build());
  }
  const std::vector<Txn>& txns() const { return txns_; }

  std::string rows_p() const {
    std::string out;
    for (const auto& [id, u] : p_) line(out, fmt::format("{}|{}", id, u));
    return out;
  }
  std::string rows_c() const {
    std::string out;
    for (const auto& [id, parent] : c_) line(out, fmt::format("{}|{}", id, parent));
    return out;
  }
  std::string rows_n() const {
    std::string out;
    for (const int64_t x : n_) line(out, fmt::format("{}", x));
    return out;
  }

 private:
  size_t below(size_t bound) { return random_() % bound; }
  static void line(std::string& out, const std::string& text) {
    if (!out.empty()) out += "\n";
    out += text;
  }
  Values row_p(int64_t id) { return {number(id), text(p_.at(id))}; }
  Values row_c(int64_t id) { return {number(id), number(c_.at(id))}; }

  void change(TxnBuilder& txn) {
    switch (below(6)) {
      case 0:
        return swap_names(txn);
      case 1:
      case 2:
        return change_parent(txn);
      case 3:
      case 4:
        return change_child(txn);
      default:
        return change_keyless(txn);
    }
  }

  // The names of two rows change places by way of a third name; case alone does not tell names
  // apart downstream.
  void swap_names(TxnBuilder& txn) {
    if (p_.size() < 2) return change_parent(txn);
    auto a = p_.begin();
    std::advance(a, below(p_.size() - 1));
    auto b = std::next(a);
    const std::string name_a = a->second;
    const std::string name_b = b->second;
    set_name(txn, a->first, "tmp" + std::to_string(a->first));
    set_name(txn, b->first, flip(name_a));
    set_name(txn, a->first, flip(name_b));
  }
  void set_name(TxnBuilder& txn, int64_t id, const std::string& name) {
    const Values before = row_p(id);
    p_.at(id) = name;
    txn.update(p, before, row_p(id));
  }
  static std::string flip(std::string name) {
    if (!name.empty()) name[0] = static_cast<char>(name[0] ^ 0x20);
    return name;
  }

  /// One that no row bears, however spelt; often one that was borne before.
  std::string free_name() {
    for (size_t number = below(20);; ++number) {
      const std::string name = "name" + std::to_string(number);
      const bool is_taken = std::ranges::any_of(
          p_, [&](const auto& row) { return row.second == name || flip(row.second) == name; });
      if (!is_taken) return name;
    }
  }

  void change_parent(TxnBuilder& txn) {
    const auto id = static_cast<int64_t>(below(20));
    if (!p_.contains(id)) {
      p_[id] = free_name();
      txn.insert(p, row_p(id));
      return;
    }
    for (auto child = c_.begin(); child != c_.end();) {
      if (child->second == id) {
        txn.remove(c, row_c(child->first));
        child = c_.erase(child);
      } else {
        ++child;
      }
    }
    txn.remove(p, row_p(id));
    p_.erase(id);
  }

  void change_child(TxnBuilder& txn) {
    const auto id = static_cast<int64_t>(below(40));
    if (c_.contains(id)) {
      txn.remove(c, row_c(id));
      c_.erase(id);
    }
    if (p_.empty()) return;
    auto parent = p_.begin();
    std::advance(parent, below(p_.size()));
    c_[id] = parent->first;
    txn.insert(c, row_c(id));
  }

  void change_keyless(TxnBuilder& txn) {
    const auto x = static_cast<int64_t>(below(5));
    const auto found = n_.find(x);
    if (found != n_.end() && below(3) == 0) {
      n_.erase(found);
      txn.remove(n, {number(x), null()});
    } else {
      n_.insert(x);
      txn.insert(n, {number(x), null()});
    }
  }

  const TablePtr p =
      table("test", "p", {{"id", tidb::ColumnType::kLong}, {"u", tidb::ColumnType::kVarchar}});
  const TablePtr c =
      table("test", "c", {{"id", tidb::ColumnType::kLong}, {"p", tidb::ColumnType::kLong}});
  const TablePtr n = table_n();
  std::mt19937 random_;
  std::map<int64_t, std::string> p_;
  std::map<int64_t, int64_t> c_;
  std::multiset<int64_t> n_;
  std::vector<Txn> txns_;
};

/// A transaction with the same rows; Txn itself is not copied.
Txn copy_of(const Txn& txn) {
  Txn copy;
  copy.commit_ts = txn.commit_ts;
  copy.tables = txn.tables;
  copy.rows = txn.rows;
  copy.values = txn.values;
  return copy;
}

Inspector fresh() {
  Inspector db(MariadbServer::shared().port());
  db.reset("test");
  db.run("CREATE TABLE p(id INT PRIMARY KEY, u VARCHAR(20) COLLATE utf8mb4_general_ci, UNIQUE(u))");
  db.run("CREATE TABLE c(id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p(id))");
  db.run("CREATE TABLE n(x INT, y DOUBLE)");
  return db;
}

MysqlSinkOptions options() {
  auto options = sink_options(MariadbServer::shared().port());
  options.syncer.worker_count = 4;
  // Small groups, so that all workers are at work.
  options.syncer.txn_batch = 1;
  return options;
}

TEST_CASE("parallel: random transactions, cut off anywhere, end like the serial order",
          "[mariadb]") {
  REQUIRE_MARIADB();
  bool was_parallel = false;
  for (uint32_t seed = 1; seed <= 4; ++seed) {
    INFO("seed " << seed);
    Inspector db = fresh();
    Upstream upstream(seed);
    for (int64_t i = 0; i < 1500; ++i) upstream.append(100 + 10 * i);
    std::mt19937 random(seed);
    auto settings = options();
    int64_t resume = settings.checkpoint_ts.value;
    const int64_t last = upstream.txns().back().commit_ts.value;
    int runs = 0;
    while (resume < last) {
      RunningSink sink(settings);
      resume = sink.sink().resume_from(CommitTs(resume)).value;
      const auto stop_at = resume + static_cast<int64_t>(random() % 6000);
      for (const Txn& txn : upstream.txns()) {
        if (txn.commit_ts.value > resume) sink.submit(copy_of(txn));
      }
      // Then it is stopped wherever each worker happens to be. The run before may have applied all.
      if (resume < last) REQUIRE(sink.wait_applied(std::min(stop_at, last)));
      was_parallel |= db.rows(
                          "SELECT COUNT(*) > 1 FROM tidb_binlog.drainer_progress WHERE "
                          "commit_ts > 1") == "1";
      ++runs;
      if (stop_at < last) continue;
      CHECK(sink.finish() == "");
      break;
    }
    CHECK(runs > 1);
    CHECK(db.rows("SELECT id, u FROM p ORDER BY id") == upstream.rows_p());
    CHECK(db.rows("SELECT id, p FROM c ORDER BY id") == upstream.rows_c());
    CHECK(db.rows("SELECT x FROM n ORDER BY x") == upstream.rows_n());
  }
  CHECK(was_parallel);
}

TEST_CASE("parallel: a DDL holds back its table only, and comes between its neighbours",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  RunningSink sink(options());
  const TablePtr n = table_n();
  const TablePtr old_c =
      table("test", "c", {{"id", tidb::ColumnType::kLong}, {"p", tidb::ColumnType::kLong}});
  const TablePtr new_c = table("test", "c",
                               {{"id", tidb::ColumnType::kLong},
                                {"p", tidb::ColumnType::kLong},
                                {"more", tidb::ColumnType::kLong}});
  int64_t ts = 10;
  for (int64_t i = 0; i < 100; ++i) {
    sink.submit(TxnBuilder(++ts).insert(old_c, {number(i), null()}).build());
    sink.submit(TxnBuilder(++ts).insert(n, {number(i), null()}).build());
  }
  sink.submit(TxnBuilder(++ts).ddl("test", "c", "ALTER TABLE c ADD COLUMN more INT").build());
  for (int64_t i = 100; i < 200; ++i) {
    sink.submit(TxnBuilder(++ts).insert(new_c, {number(i), null(), number(i)}).build());
    sink.submit(TxnBuilder(++ts).insert(n, {number(i), null()}).build());
  }
  CHECK(sink.wait_applied(ts));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT COUNT(*), SUM(id), SUM(more) FROM c") == "200|19900|14950");
  CHECK(db.rows("SELECT COUNT(*), SUM(x) FROM n") == "200|19900");
}

TEST_CASE("parallel: what a trigger writes is left by the last transaction that sets it off",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("CREATE TABLE t(id INT PRIMARY KEY, b VARCHAR(10), c TEXT)");
  db.run("INSERT INTO t VALUES(1,'a',NULL),(2,'b',NULL)");
  db.run("CREATE TABLE latest(v VARCHAR(10))");
  db.run("INSERT INTO latest VALUES('')");
  db.run("CREATE TRIGGER tr AFTER UPDATE ON t FOR EACH ROW UPDATE latest SET v = NEW.b");
  Inspector lock(MariadbServer::shared().port());
  lock.run("START TRANSACTION");
  lock.rows("SELECT * FROM test.t WHERE id = 1 FOR UPDATE");
  RunningSink sink(options());
  const TablePtr t = table_t();
  const auto update = [&](int64_t ts, int64_t id, const char* before, const char* after) {
    return TxnBuilder(ts)
        .update(t, {number(id), text(before), null()}, {number(id), text(after), null()})
        .build();
  };
  sink.submit(update(10, 1, "a", "first"));
  CHECK(
      comes_to(db,
               "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%first%' AND "
               "id <> CONNECTION_ID()",
               "1"));
  sink.submit(update(11, 2, "b", "second"));
  CHECK(db.rows("SELECT b FROM t ORDER BY id") == "a\nb");
  lock.run("COMMIT");
  CHECK(sink.wait_applied(11));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT v FROM latest") == "second");
}

TEST_CASE("parallel: a trigger meets other tables as they were upstream", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("CREATE TABLE t(id INT PRIMARY KEY, b VARCHAR(10), c TEXT)");
  db.run("CREATE TABLE seen(orders INT, customers INT)");
  db.run(
      "CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW INSERT INTO seen "
      "VALUES(NEW.id, (SELECT COUNT(*) FROM p WHERE id = NEW.id))");
  RunningSink sink(options());
  const TablePtr customers =
      table("test", "p", {{"id", tidb::ColumnType::kLong}, {"u", tidb::ColumnType::kVarchar}});
  const TablePtr orders = table_t();
  constexpr int64_t kRounds = 20;
  constexpr int64_t kCustomers = 300;
  int64_t ts = 10;
  for (int64_t round = 1; round <= kRounds; ++round) {
    TxnBuilder many(++ts);
    for (int64_t i = 1; i <= kCustomers; ++i) {
      many.insert(customers, {number((round - 1) * kCustomers + i), null()});
    }
    sink.submit(many.build());
    sink.submit(
        TxnBuilder(++ts).insert(orders, {number(round * kCustomers), text("a"), null()}).build());
  }
  CHECK(sink.wait_applied(ts));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT COUNT(*) FROM seen WHERE customers = 1") == std::to_string(kRounds));
}

TEST_CASE("parallel: all workers of an older drainer are shut out", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  Upstream upstream(5);
  for (int64_t i = 0; i < 400; ++i) upstream.append(100 + i);
  RunningSink first(options());
  for (const Txn& txn : upstream.txns()) first.submit(copy_of(txn));
  REQUIRE(first.wait_applied(110));
  RunningSink second(options());
  const CommitTs resume = second.sink().resume_from(CommitTs(1));
  for (const Txn& txn : upstream.txns()) {
    if (txn.commit_ts > resume) second.submit(copy_of(txn));
  }
  CHECK(second.wait_applied(499));
  CHECK(second.finish() == "");
  (void)first.finish();
  CHECK(db.rows("SELECT id, u FROM p ORDER BY id") == upstream.rows_p());
  CHECK(db.rows("SELECT x FROM n ORDER BY x") == upstream.rows_n());
}

}  // namespace
}  // namespace drainer::mysql
