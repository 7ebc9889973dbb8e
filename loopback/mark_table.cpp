#include "loopback/mark_table.h"

#include <fmt/format.h>

namespace drainer::loopback {

std::vector<std::string> MarkTable::setup_statements(int64_t writers) const {
  // KEEP: capitals and blanks as in the original, two before VALUES.
  std::string rows =
      "REPLACE INTO retl._drainer_repl_mark(id,channel_id,val,channel_info)  VALUES ";
  for (int64_t id = 0; id < writers; ++id) {
    fmt::format_to(std::back_inserter(rows), "{}({},{},1,'')", id == 0 ? "" : ",", id, channel_id_);
  }
  return {
      "create database IF NOT EXISTS retl;",
      "CREATE TABLE If Not Exists retl._drainer_repl_mark (id bigint not null,channel_id bigint "
      "not null DEFAULT 0, val bigint DEFAULT 0, channel_info varchar(64) ,PRIMARY KEY "
      "(id,channel_id));",
      std::move(rows)};
}

std::string MarkTable::note_statement(bool sync_ddl) const {
  return fmt::format(
      "INSERT INTO retl._drainer_repl_mark(id,channel_id,val,channel_info) VALUES ({},{},1,'{}') "
      "ON DUPLICATE KEY UPDATE val=val+1,channel_info=VALUES(channel_info)",
      kNoteId, channel_id_, sync_ddl ? kSyncDdlNote : "");
}

Mark MarkTable::mark_of(int64_t writer) const {
  return {.update = fmt::format("update retl._drainer_repl_mark set val=val+1 where id={} and "
                                "channel_id={} limit 1",
                                writer, channel_id_),
          .insert = fmt::format("insert into retl._drainer_repl_mark(id,channel_id,val,"
                                "channel_info) values ({},{},1,'')",
                                writer, channel_id_)};
}

std::vector<Mark> WriterMarks::marks_for(const std::vector<int64_t>& channels) const {
  if (channels.empty()) return {MarkTable(channel_id_).mark_of(writer_)};
  std::vector<Mark> marks;
  for (const int64_t channel : channels) marks.push_back(MarkTable(channel).mark_of(writer_));
  return marks;
}

}  // namespace drainer::loopback
