// Taking over from the original in the middle of a load, and handing back: what a Go drainer leaves
// behind is its checkpoint alone, and downstream, after a crash, more than that says.

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <map>
#include <random>
#include <regex>

#include "syncer/checkpoint/checkpoint.h"
#include "tests/integration/pipeline.h"
#include "tests/upstream/capture.h"

#include <catch2/catch.hpp>

using namespace drainer;
using integration::Capture;
using integration::Pipeline;

namespace {

// Where the checkpoint lies: in the table, or in the file of checkpoint.type "file".
class Place {
 public:
  Place(Pipeline& pipeline, bool is_file) : pipeline_(pipeline), is_file_(is_file) {
    Pipeline::Config config;
    if (is_file) config.more = "[syncer.to.checkpoint]\ntype = \"file\"\n";
    pipeline.write_config(config);
  }

  SavePoint read() {
    SavePoint out;
    if (is_file_) {
      const std::string text = fakes::read_file(path());
      std::smatch match;
      const std::regex form(
          "consistent = (true|false)\ncommitTS = (\\d+)\nschema-version = (\\d+)\n");
      REQUIRE(std::regex_match(text, match, form));
      out.consistent = match[1] == "true";
      out.commit_ts = CommitTs(std::stoll(match[2]));
      out.schema_version = SchemaVersion(std::stoll(match[3]));
      return out;
    }
    const auto text =
        pipeline_.downstream().query_value("select checkPoint from tidb_binlog.checkpoint");
    REQUIRE(text.ok());
    // To the byte: as the original writes it.
    const std::regex form(
        "\\{\"consistent\":(true|false),\"commitTS\":\\d+,\"ts-map\":\\{\\},"
        "\"schema-version\":\\d+\\}");
    CHECK(std::regex_match(*text, form));
    auto parsed = parse_save_point(*text);
    REQUIRE(parsed.ok());
    return *std::move(parsed);
  }

  // As a Go drainer leaves it, which has no other table than the checkpoint's.
  void write_as_go(const SavePoint& point) {
    REQUIRE(pipeline_.downstream().execute("drop table tidb_binlog.drainer_progress").ok());
    if (is_file_) {
      fakes::write_file(path(),
                        fmt::format("consistent = {}\ncommitTS = {}\nschema-version = {}\n",
                                    point.consistent, point.commit_ts, point.schema_version));
      return;
    }
    REQUIRE(pipeline_.downstream()
                .execute("update tidb_binlog.checkpoint set checkPoint = '" + to_json(point) + "'")
                .ok());
  }

 private:
  std::string path() const { return pipeline_.directory() + "/data/savepoint"; }

  Pipeline& pipeline_;
  const bool is_file_;
};

// Commit timestamps of transactions between two DDLs. After each DDL the original saves at once, so
// that what lies between its checkpoint and its crash is always a part of such a stretch.
struct Stretch {
  std::vector<int64_t> commit_ts;

  int64_t at(size_t part, size_t parts) const { return commit_ts[commit_ts.size() * part / parts]; }
};

// The longest ones of a capture.
std::vector<Stretch> quiet_stretches(const Capture& capture, size_t count) {
  const auto loaded = upstream::load_capture(capture.directory);
  REQUIRE(loaded.ok());
  std::map<int64_t, bool> is_ddl;
  for (const upstream::Tape& tape : loaded->tapes) {
    for (const upstream::Record& record : tape.records) {
      if (!record.is_fake()) is_ddl[record.commit_ts] = record.ddl_job_id != 0;
    }
  }
  std::vector<Stretch> out(1);
  for (const auto& [commit_ts, ddl] : is_ddl) {
    if (ddl) {
      out.emplace_back();
    } else {
      out.back().commit_ts.push_back(commit_ts);
    }
  }
  std::ranges::sort(out, std::greater(),
                    [](const Stretch& stretch) { return stretch.commit_ts.size(); });
  out.resize(count);
  REQUIRE(out.back().commit_ts.size() >= 8);
  return out;
}

// What tables hold in which a row may stand twice: without a unique key, or with NULL in each.
// Whoever goes over their rows a second time doubles them, the original too: nothing tells what a
// crashed Go drainer has written of them.
std::string keyless_rows(mysql::Session& session) {
  const auto tables = session.query(
      "select concat('`', table_schema, '`.`', table_name, '`') from information_schema.tables t "
      "where table_type = 'BASE TABLE' and table_schema not in ('mysql', 'sys', "
      "'information_schema', 'performance_schema', 'tidb_binlog') and not exists (select 1 from "
      "information_schema.statistics s where s.table_schema = t.table_schema and s.table_name = "
      "t.table_name and s.non_unique = 0 group by s.index_name having max(s.nullable = 'YES') = 0) "
      "order by 1");
  REQUIRE(tables.ok());
  std::string out;
  for (const mysql::ResultRow& table : *tables) {
    const auto sum = session.query("checksum table " + table.at(0).value_or(""));
    REQUIRE(sum.ok());
    out += table.at(0).value_or("") + " " + sum->at(0).at(1).value_or("") + "\n";
  }
  return out;
}

void run_until(Pipeline& pipeline, int64_t commit_ts) {
  pipeline.start_drainer({"-initial-commit-ts", pipeline.capture().from_ts, "-until-commit-ts",
                          std::to_string(commit_ts)});
  const auto code = pipeline.wait_for_drainer();
  INFO(pipeline.drainer_log());
  REQUIRE(code == 0);
}

}  // namespace

TEST_CASE("take-over: from a Go drainer's checkpoint, wherever it stopped, to equal tables") {
  const bool is_consistent = GENERATE(false, true);
  const bool is_file = GENERATE(false, true);
  INFO((is_file ? "file, " : "table, ") << (is_consistent ? "stopped" : "crashed"));
  const Capture capture = Capture::bundled();
  const std::vector<Stretch> stretches = quiet_stretches(capture, 4);
  int overlaps = 0;
  for (const Stretch& stretch : stretches) {
    INFO("stopped after " << stretch.at(2, 3));
    Pipeline pipeline(capture);
    pipeline.start_upstream();
    Place place(pipeline, is_file);
    run_until(pipeline, stretch.at(1, 3));
    SavePoint saved = place.read();
    CHECK(saved.commit_ts.value == stretch.at(1, 3));
    if (!is_consistent) {
      // The crash: more is applied than saved.
      const std::string before = keyless_rows(pipeline.downstream());
      run_until(pipeline, stretch.at(2, 3));
      const SavePoint applied = place.read();
      CHECK(applied.commit_ts.value == stretch.at(2, 3));
      if (keyless_rows(pipeline.downstream()) == before) {
        ++overlaps;
      } else {
        saved = applied;
      }
    }
    INFO("the checkpoint says " << saved.commit_ts.value);
    saved.consistent = is_consistent;
    place.write_as_go(saved);
    run_until(pipeline, std::stoll(capture.until_ts));
    CHECK_THAT(pipeline.drainer_log(),
               Catch::Contains(is_consistent ? "[\"safe mode\"=false]" : "[\"safe mode\"=true]"));
    for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
  }
  CHECK((is_consistent || overlaps > 0));
}

TEST_CASE("take-over: at a hundred points of a capture, DDL or rows before and behind them",
          "[.campaign]") {
  const Capture capture = Capture::bundled();
  std::mt19937 random(11);
  const int64_t from = std::stoll(capture.from_ts);
  std::uniform_int_distribution<int64_t> any(from + 1, capture.last_ts().change);
  for (int i = 0; i < 100; ++i) {
    const int64_t at = any(random);
    INFO("stopped at " << at);
    Pipeline pipeline(capture);
    pipeline.start_upstream();
    Place place(pipeline, /*is_file=*/i % 2 == 0);
    run_until(pipeline, at);
    SavePoint saved = place.read();
    CHECK(saved.consistent);
    place.write_as_go(saved);
    run_until(pipeline, std::stoll(capture.until_ts));
    for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
  }
}

// A crashed run of ours had come to `applied`; a Go drainer went on from the checkpoint before, in
// safe mode, and ended before it came there: some rows are now older than our progress says.
TEST_CASE("take-over: ours, then a Go drainer for a while, then ours again") {
  const bool is_stopped = GENERATE(true, false);
  INFO("the Go drainer " << (is_stopped ? "stopped" : "crashed"));
  Pipeline pipeline(Capture::bundled());
  pipeline.start_upstream();
  const Stretch stretch = quiet_stretches(pipeline.capture(), 1).at(0);
  Place place(pipeline, /*is_file=*/false);
  const auto set_row = [&](const std::string& schema, SavePoint point, bool is_consistent) {
    point.consistent = is_consistent;
    const auto done =
        pipeline.downstream().execute("replace into " + schema + ".checkpoint select clusterID, '" +
                                      to_json(point) + "' from tidb_binlog.checkpoint");
    REQUIRE(done.ok());
  };
  run_until(pipeline, stretch.at(1, 4));
  const SavePoint saved = place.read();
  run_until(pipeline, stretch.at(3, 4));
  const SavePoint applied = place.read();
  REQUIRE(applied.commit_ts > saved.commit_ts);

  // The Go drainer, by ours with a checkpoint and a progress table of its own.
  REQUIRE(pipeline.downstream().execute("create database go_side").ok());
  REQUIRE(pipeline.downstream()
              .execute("create table go_side.checkpoint like tidb_binlog.checkpoint")
              .ok());
  set_row("go_side", saved, /*is_consistent=*/false);
  Pipeline::Config go_side;
  go_side.more = "[syncer.to.checkpoint]\nschema = \"go_side\"\n";
  pipeline.write_config(go_side);
  run_until(pipeline, stretch.at(2, 4));
  const auto row = pipeline.downstream().query_value("select checkPoint from go_side.checkpoint");
  REQUIRE(row.ok());
  const SavePoint between = parse_save_point(*row).value();
  REQUIRE(between.commit_ts < applied.commit_ts);
  REQUIRE(between.commit_ts > saved.commit_ts);

  set_row("tidb_binlog", between, is_stopped);
  pipeline.write_config();
  run_until(pipeline, std::stoll(pipeline.capture().until_ts));
  CHECK_THAT(pipeline.drainer_log(),
             Catch::Contains("another drainer has saved the checkpoint since the last start"));
  for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
}

TEST_CASE("take-over: what is handed back is the original's row in the original's table") {
  Pipeline pipeline(Capture::bundled());
  pipeline.start_upstream({"--pace", "400"});
  Place place(pipeline, /*is_file=*/false);
  pipeline.start_drainer({"-initial-commit-ts", pipeline.capture().from_ts});
  const int64_t from = std::stoll(pipeline.capture().from_ts);
  const auto applied = [&] {
    const auto text =
        pipeline.downstream().query_value("select checkPoint from tidb_binlog.checkpoint");
    return text.ok() && parse_save_point(*text)->commit_ts.value > from;
  };
  REQUIRE(pipeline.wait_until(applied));
  // While it runs, the downstream may be ahead of the row.
  CHECK_FALSE(place.read().consistent);
  pipeline.drainer().send_signal(SIGTERM);
  REQUIRE(pipeline.wait_for_drainer() == 0);
  const SavePoint stopped = place.read();
  CHECK(stopped.consistent);
  CHECK(stopped.commit_ts.value > from);
  const auto created = pipeline.downstream().query("show create table tidb_binlog.checkpoint");
  REQUIRE(created.ok());
  const std::string table = created->at(0).at(1).value_or("");
  CHECK_THAT(table, Catch::Contains("`clusterID` bigint(20) unsigned NOT NULL") &&
                        Catch::Contains("`checkPoint` mediumtext DEFAULT NULL") &&
                        Catch::Contains("PRIMARY KEY (`clusterID`)"));
}

TEST_CASE("take-over: ours and the original in turns, each stopped somewhere, end equal") {
  const char* const original = std::getenv("DRAINER_ORIGINAL");
  if (original == nullptr) {
    WARN("DRAINER_ORIGINAL names no drainer of the original: skipped");
    return;
  }
  const bool is_ours_first = GENERATE(true, false);
  Pipeline pipeline(Capture::bundled());
  pipeline.start_upstream({"--pace", "100"});
  pipeline.write_config();
  const auto checkpoint = [&] {
    const auto text =
        pipeline.downstream().query_value("select checkPoint from tidb_binlog.checkpoint");
    return text.ok() ? parse_save_point(*text)->commit_ts.value : 0;
  };
  const auto has_all = [&] {
    const auto rows = pipeline.downstream().query_value("select count(*) from mixb_a.zz_end");
    return rows.ok() && *rows == "1";
  };
  std::mt19937 random(7);
  bool is_ours = is_ours_first;
  int turns = 0;
  for (; !has_all(); ++turns) {
    INFO("turn " << turns << (is_ours ? ", ours" : ", the original"));
    pipeline.start_drainer({"-initial-commit-ts", pipeline.capture().from_ts},
                           is_ours ? "" : original);
    // So many saves, at least one, come from this one.
    for (size_t saves = 1 + random() % 5; saves > 0 && !has_all(); --saves) {
      const int64_t before = checkpoint();
      REQUIRE(pipeline.wait_until([&] { return checkpoint() != before || has_all(); }));
    }
    pipeline.drainer().send_signal(SIGTERM);
    const auto code = pipeline.wait_for_drainer();
    const std::string log = pipeline.drainer_log();
    INFO(log.substr(log.size() > 3000 ? log.size() - 3000 : 0));
    REQUIRE(code == 0);
    is_ours = !is_ours;
  }
  CHECK(turns >= 2);
  for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
}
