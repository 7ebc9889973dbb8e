#include "loopback/mark_table.h"

#include <catch2/catch.hpp>

namespace drainer::loopback {

TEST_CASE("mark table: it is set up with the original's statements to the byte") {
  const std::vector<std::string> statements = MarkTable(7).setup_statements(3);
  REQUIRE(statements.size() == 3);
  CHECK(statements[0] == "create database IF NOT EXISTS retl;");
  CHECK(statements[1] ==
        "CREATE TABLE If Not Exists retl._drainer_repl_mark (id bigint not null,channel_id bigint "
        "not null DEFAULT 0, val bigint DEFAULT 0, channel_info varchar(64) ,PRIMARY KEY "
        "(id,channel_id));");
  CHECK(statements[2] ==
        "REPLACE INTO retl._drainer_repl_mark(id,channel_id,val,channel_info)  VALUES "
        "(0,7,1,''),(1,7,1,''),(2,7,1,'')");
}

TEST_CASE("mark table: each writer marks with a row of its own, in the original's words") {
  CHECK(MarkTable(7).mark_of(0).update ==
        "update retl._drainer_repl_mark set val=val+1 where id=0 and channel_id=7 limit 1");
  CHECK(MarkTable(7).mark_of(15).update ==
        "update retl._drainer_repl_mark set val=val+1 where id=15 and channel_id=7 limit 1");
  CHECK(MarkTable(7).mark_of(15).insert ==
        "insert into retl._drainer_repl_mark(id,channel_id,val,channel_info) values (15,7,1,'')");
}

TEST_CASE("mark table: changes of other clusters keep their marks, in the writer's own row") {
  const WriterMarks marks(7, 3);
  REQUIRE(marks.marks_for({}).size() == 1);
  CHECK(marks.marks_for({})[0].update == MarkTable(7).mark_of(3).update);
  const auto foreign = marks.marks_for({1, 2});
  REQUIRE(foreign.size() == 2);
  CHECK(foreign[0].update == MarkTable(1).mark_of(3).update);
  CHECK(foreign[1].insert == MarkTable(2).mark_of(3).insert);
}

TEST_CASE("mark table: a start leaves a note that is new each time, beside the original's rows") {
  const std::string syncs = MarkTable(7).note_statement(/*sync_ddl=*/true);
  CHECK(syncs.find("VALUES (-1,7,1,'sync-ddl=true') ON DUPLICATE KEY UPDATE val=val+1,") !=
        std::string::npos);
  CHECK(MarkTable(7).note_statement(false).find("(-1,7,1,'')") != std::string::npos);
}

TEST_CASE("mark table: any signed 64-bit number names a channel") {
  CHECK(MarkTable(INT64_MIN).setup_statements(1)[2].ends_with("(0,-9223372036854775808,1,'')"));
  CHECK(MarkTable(INT64_MAX).mark_of(0).update.find("channel_id=9223372036854775807 limit") !=
        std::string::npos);
}

}  // namespace drainer::loopback
