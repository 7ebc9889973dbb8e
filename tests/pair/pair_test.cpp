// Short runs on clusters that are all written to; long ones: pair_run, and [.campaign].

#include "tests/pair/campaign.h"

#include <cstdlib>

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::pair;

namespace {

void check_campaign(const CampaignOptions& options) {
  const CampaignResult result = run_campaign(options);
  INFO(result.to_string());
  CHECK(result.problems.empty());
  CHECK(result.transactions > 0);
  CHECK(result.applied ==
        result.transactions * static_cast<int64_t>(options.topology.clusters - 1));
}

}  // namespace

TEST_CASE("pair: with kills, cuts, DDL and conflicts each change travels once and all end equal") {
  check_campaign({.topology = make_pair(), .length = std::chrono::seconds(3)});
}

TEST_CASE("pair: a ring of three passes all on, once round") {
  check_campaign({.topology = make_ring(3), .length = std::chrono::seconds(3), .seed = 2});
}

TEST_CASE("pair: ours in one direction and the original in the other one, either way round") {
  const char* const original = std::getenv("DRAINER_ORIGINAL");
  if (original == nullptr) {
    WARN("DRAINER_ORIGINAL names no drainer of the original: skipped");
    return;
  }
  const size_t link = GENERATE(0u, 1u);
  INFO("the original drains link " << link);
  check_campaign({.topology = make_pair(),
                  .length = std::chrono::seconds(5),
                  .seed = 3,
                  .overlaps = false,
                  .foreign_drainer = original,
                  .foreign_link = link});
}

TEST_CASE("pair: set up, one side taken out and in again, roles swapped, as the page says") {
  PairWorld world({.topology = make_pair()});
  SystemClock clock;
  const auto a = world.connect(0);
  const auto b = world.connect(1);
  const auto wait_for = [&](mysql::Session& session, const std::string& sql,
                            const std::string& wanted) {
    const TimePoint deadline = clock.now() + std::chrono::seconds(240);
    std::string found;
    while (found != wanted && clock.now() < deadline) {
      const auto value = session.query_value(sql);
      found = value.ok() ? *value : value.error().to_string();
      clock.sleep_for(std::chrono::milliseconds(20), StopToken());
    }
    INFO(world.look_after());
    REQUIRE(found == wanted);
  };
  const auto run = [&](mysql::Session& session, const std::string& sql) {
    INFO(sql);
    REQUIRE(session.execute(sql).ok());
  };

  // A has data. It is copied to B as of a commit ts that the dump tells; A goes on.
  for (mysql::Session* session : {a.get(), b.get()}) {
    run(*session, "create database pair");
    run(*session, "create table pair.t (id int primary key, v int)");
    run(*session, "insert into pair.t values (1, 1), (2, 2)");
    run(*session, "create table pair.keyless (v int)");
    run(*session, "insert into pair.keyless values (1), (1), (1), (1)");
  }
  const std::string metadata = world.write_dump_metadata(0);
  run(*a, "insert into pair.t values (3, 3)");
  world.start_drainer(0, {"-initial-commit-ts-from", metadata});
  world.start_drainer(1, {"-initial-commit-ts", "-1"});
  wait_for(*b, "select sum(v) from pair.t", "6");
  CHECK(world.log(0).find("read initial-commit-ts") != std::string::npos);
  // Equal rows next to each other are not one that is there twice.
  run(*a, "update pair.keyless set v = 2 limit 2");
  wait_for(*b, "select sum(v) from pair.keyless", "6");
  run(*a, "delete from pair.keyless where v = 2");
  wait_for(*b, "select sum(v) from pair.keyless", "2");
  world.wait_for_log(1, "start to server request");
  run(*b, "insert into pair.t values (4, 4)");
  wait_for(*a, "select sum(v) from pair.t", "10");

  // Nobody writes: checkpoints go on, but neither side answers the progress of the other.
  const auto value = [](mysql::Session& session, const std::string& sql) {
    return session.query_value(sql).value();
  };
  const std::string marks = "select sum(val) from retl._drainer_repl_mark";
  const std::string marks_in_a = value(*a, marks);
  const std::string marks_in_b = value(*b, marks);
  for (mysql::Session* session : {a.get(), b.get(), a.get(), b.get()}) {
    const std::string saved = value(*session, "select checkPoint from tidb_binlog.checkpoint");
    wait_for(*session, "select checkPoint <> '" + saved + "' from tidb_binlog.checkpoint", "1");
  }
  CHECK(value(*a, marks) == marks_in_a);
  CHECK(value(*b, marks) == marks_in_b);

  // Taken out: what is written meanwhile waits.
  CHECK(world.pause_drainer(1) == 0);
  run(*b, "insert into pair.t values (5, 5)");
  run(*a, "insert into pair.t values (6, 6)");
  wait_for(*b, "select sum(v) from pair.t", "21");
  CHECK(a->query_value("select sum(v) from pair.t").value() == "16");
  world.start_drainer(1);
  wait_for(*a, "select sum(v) from pair.t", "21");

  // Roles swapped: DDL of B goes to A, and does not come back.
  CHECK(world.stop_drainer(0) == 0);
  CHECK(world.stop_drainer(1) == 0);
  world.edit_config(0, "sync-ddl = true", "sync-ddl = false");
  world.edit_config(1, "sync-ddl = false", "sync-ddl = true");
  world.start_drainers();
  run(*b, "alter table pair.t add column w int not null default 7");
  wait_for(*a, "select sum(w) from pair.t", "42");
  run(*a, "insert into pair.t values (7, 7, 7)");
  wait_for(*b, "select sum(w) from pair.t", "49");
  CHECK(world.look_after().empty());
}

TEST_CASE("pair: DDL in both directions is refused by whoever was there first") {
  Topology both = make_pair();
  both.links[1].sync_ddl = true;
  PairWorld world({.topology = both});
  const auto ends_refusing = [&](size_t link) {
    const bool has_ended = world.wait_for_end(link) == 2;
    INFO(world.log(link));
    return has_ended && world.log(link).find(
                            "the drainer of the opposite direction has started "
                            "with sync-ddl = true") != std::string::npos;
  };
  world.start_drainer(0);
  world.wait_for_log(0, "start to server request");
  world.start_drainer(1);
  CHECK(ends_refusing(0));

  // Started again it reads the other one's old note once more, which says nothing about now; and
  // writes its own.
  world.start_drainer(0);
  CHECK(ends_refusing(1));
  CHECK(world.look_after().find("drainer 0") == std::string::npos);
  CHECK(world.stop_drainer(0) == 0);

  // Roles swapped: what the notes of before say does not count.
  world.edit_config(0, "sync-ddl = true", "sync-ddl = false");
  world.start_drainers();
  const auto a = world.connect(0);
  const auto b = world.connect(1);
  REQUIRE(b->execute("create database pair").ok());
  REQUIRE(b->execute("create table pair.markers (origin int, number bigint)").ok());
  const TimePoint deadline = SystemClock().now() + std::chrono::seconds(120);
  while (!a->query("select 1 from pair.markers").ok() && SystemClock().now() < deadline) {
    SystemClock().sleep_for(std::chrono::milliseconds(20), StopToken());
  }
  CHECK(world.pass_markers(deadline).ok());
  CHECK(world.look_after().empty());
}

TEST_CASE("pair: ten minutes each of a pair, a ring, a star and a mesh", "[.campaign]") {
  for (const Topology& topology : {make_pair(), make_ring(3), make_star(3), make_mesh(3)}) {
    check_campaign({.topology = topology, .length = std::chrono::minutes(10)});
  }
}
