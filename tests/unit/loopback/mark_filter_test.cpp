#include "loopback/mark_filter.h"

#include <catch2/catch.hpp>

#include "loopback/mark_table.h"
#include "tests/fakes/binlogs.h"
#include "tests/fakes/schemas.h"

using namespace drainer;
using tidb::ColumnType;
using tidb::DdlType;

namespace {

schema::Schema schema_with_marks(const std::string& table_name, uint32_t channel_flags = 0) {
  schema::Schema out;
  out.add_pending(fakes::create_database(1, 5, 2, "RETL"));
  out.add_pending(fakes::table_job(
      2, DdlType::kCreateTable, 6, 2,
      fakes::table(50, table_name,
                   {fakes::column(1, "id", ColumnType::kLongLong),
                    fakes::column(2, "channel_id", ColumnType::kLongLong, channel_flags),
                    fakes::column(3, "val", ColumnType::kLongLong),
                    fakes::column(4, "channel_info", ColumnType::kVarchar)})));
  REQUIRE(out.advance_to(SchemaVersion(6)).ok());
  return out;
}

// An update of the mark row (id, channel) from val 1 to val 2; TiDB appends the row id -1.
std::string mark_update(int64_t channel, char flag = 8, int64_t id = 1,
                        const std::string& info = "") {
  const auto row = [&](int64_t value) {
    std::string out = from_hex("080208");
    out.push_back(static_cast<char>(id < 0 ? -id * 2 - 1 : id * 2));
    out += from_hex("0804");
    out.push_back(flag);
    out.push_back(static_cast<char>(flag == 8 ? channel * 2 : channel));
    out += from_hex("080608");
    out.push_back(static_cast<char>(value * 2));
    out += from_hex("080802");
    out.push_back(static_cast<char>(info.size() * 2));
    return out + info;
  };
  return row(1) + row(2);
}

Result<loopback::MarksFound> marks_in(const loopback::MarkFilter& filter,
                                      const schema::Schema& schema, const std::string& update) {
  binlog::PrewriteValue value;
  value.set_schema_version(6);
  binlog::TableMutation* mutation = value.add_mutations();
  mutation->set_table_id(50);
  mutation->add_updated_rows(update);
  mutation->add_sequence(binlog::Update);
  const std::string bytes = value.SerializeAsString();
  ASSIGN_OR_RETURN(const tidb::PrewriteView view, tidb::parse_prewrite(bytes));
  return filter.find_marks(view, schema);
}

}  // namespace

TEST_CASE("mark filter: our channel is ours, whatever the case of the table's name") {
  const schema::Schema schema = schema_with_marks("_Drainer_Repl_Mark");
  const auto ours = marks_in(loopback::MarkFilter(7), schema, mark_update(7));
  CHECK(ours->stops_here);
  CHECK(ours->other_channels.empty());
  const auto others = marks_in(loopback::MarkFilter(8), schema, mark_update(7));
  CHECK_FALSE(others->stops_here);
  CHECK(others->other_channels == std::vector<int64_t>{7});
  const auto off = marks_in(loopback::MarkFilter(), schema, mark_update(7));
  CHECK_FALSE(off->stops_here);
  CHECK(off->other_channels.empty());
}

TEST_CASE("mark filter: the note of a drainer with sync-ddl is told from marks") {
  const schema::Schema schema = schema_with_marks("_drainer_repl_mark");
  const std::string text(loopback::kSyncDdlNote);
  const auto is_note = [&](const std::string& update, const loopback::MarkFilter& filter) {
    return marks_in(filter, schema, update)->is_sync_ddl_note;
  };
  const loopback::MarkFilter filter(7);
  CHECK(is_note(mark_update(7, 8, loopback::kNoteId, text), filter));
  CHECK(marks_in(filter, schema, mark_update(7, 8, loopback::kNoteId, text))->stops_here);
  CHECK_FALSE(is_note(mark_update(7, 8, loopback::kNoteId), filter));
  CHECK_FALSE(is_note(mark_update(7, 8, 1, text), filter));
  CHECK_FALSE(is_note(mark_update(8, 8, loopback::kNoteId, text), filter));
  CHECK_FALSE(is_note(mark_update(7, 8, loopback::kNoteId, text), loopback::MarkFilter(7, {3})));
}

TEST_CASE("mark filter: with channel-ids each of these stops too, and the others are handed on") {
  const schema::Schema schema = schema_with_marks("_drainer_repl_mark");
  const loopback::MarkFilter filter(1, {2, 3});
  CHECK(filter.hands_on_marks());
  CHECK_FALSE(loopback::MarkFilter(1).hands_on_marks());
  for (const int64_t channel : {1, 2, 3}) {
    CHECK(marks_in(filter, schema, mark_update(channel))->stops_here);
  }
  const auto foreign = marks_in(filter, schema, mark_update(5));
  CHECK_FALSE(foreign->stops_here);
  CHECK(foreign->other_channels == std::vector<int64_t>{5});
}

TEST_CASE("mark filter: other tables do not count and are not decoded") {
  const schema::Schema schema = schema_with_marks("_drainer_repl_mark2");
  CHECK_FALSE(marks_in(loopback::MarkFilter(7), schema, "\xff\xff")->stops_here);
}

TEST_CASE("mark filter: whether the upstream's marks can be read is known before they come") {
  CHECK(*loopback::check_mark_table(schema_with_marks("_drainer_repl_mark")));
  CHECK_FALSE(*loopback::check_mark_table(schema_with_marks("another")));
  const auto wrong =
      loopback::check_mark_table(schema_with_marks("_drainer_repl_mark", tidb::kFlagUnsigned));
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().text().find("no column channel_id of type bigint") != std::string::npos);
}

TEST_CASE("mark filter: an unsigned channel id is refused as in the original") {
  const schema::Schema schema = schema_with_marks("_drainer_repl_mark", tidb::kFlagUnsigned);
  const auto result = marks_in(loopback::MarkFilter(7), schema, mark_update(7, 9));
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().text() ==
        "wrong type of channelID: an unsigned number in column channel_id of the upstream's "
        "retl._drainer_repl_mark, which must be a bigint: rename or drop the table while no "
        "drainer writes there, it is made anew");
}
