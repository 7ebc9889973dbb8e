#include "syncer/mysql/progress_table.h"

#include "tests/unit/mysql/sample.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using namespace sample;
using fakes::MariadbServer;

MysqlSinkOptions options_of(uint64_t cluster_id, int64_t checkpoint) {
  MysqlSinkOptions options = sink_options(MariadbServer::shared().port());
  options.cluster_id = cluster_id;
  options.checkpoint_ts = CommitTs(checkpoint);
  return options;
}

Inspector fresh() {
  Inspector db(MariadbServer::shared().port());
  db.reset("test");
  db.run("CREATE TABLE n(x INT, y DOUBLE)");
  return db;
}

TEST_CASE("progress table: is looked at without taking over", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  const ProgressTable table({.cluster_id = 7, .owner = {}});
  auto found = table.find(db.session());
  REQUIRE(found.ok());
  CHECK_FALSE(found->has_value());

  RunningSink sink(options_of(7, 5));
  sink.submit(TxnBuilder(10).insert(table_n(), {number(1), real(0.5)}).build());
  CHECK(sink.wait_applied(10));
  found = table.find(db.session());
  REQUIRE((found.ok() && found->has_value()));
  CHECK((*found)->checkpoint_ts.value == 5);
  CHECK((*found)->state.contains(CommitTs(10)));
  // It still is the owner.
  sink.submit(TxnBuilder(20).insert(table_n(), {number(2), real(0.5)}).build());
  CHECK(sink.wait_applied(20));
  CHECK(sink.finish() == "");

  const ProgressTable other({.cluster_id = 8, .owner = {}});
  found = other.find(db.session());
  REQUIRE(found.ok());
  CHECK_FALSE(found->has_value());
}

TEST_CASE("progress table: a checkpoint tells the clusters that it may be of", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  const auto clusters = [&](int64_t checkpoint) {
    auto found =
        ProgressTable::find_clusters(db.session(), default_progress_table(), CommitTs(checkpoint));
    REQUIRE(found.ok());
    return *found;
  };
  using Ids = std::vector<uint64_t>;
  CHECK(clusters(5) == Ids{});
  RunningSink one(options_of(7, 5));
  RunningSink two(options_of(UINT64_MAX, 5));
  RunningSink nameless(options_of(0, 5));
  CHECK(clusters(5) == Ids{7, UINT64_MAX});
  REQUIRE(one.sink().announce(CommitTs(10), StopToken()).ok());
  // Announced, perhaps not saved any more.
  CHECK(clusters(5) == Ids{7, UINT64_MAX});
  CHECK(clusters(10) == Ids{7});
  REQUIRE(one.sink().announce(CommitTs(20), StopToken()).ok());
  CHECK(clusters(5) == Ids{UINT64_MAX});
  CHECK(clusters(10) == Ids{7});
  CHECK(clusters(20) == Ids{7});
  CHECK(one.finish() == "");
  CHECK(two.finish() == "");
  CHECK(nameless.finish() == "");
}

}  // namespace
}  // namespace drainer::mysql
