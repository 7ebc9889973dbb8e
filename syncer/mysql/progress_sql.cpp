#include "syncer/mysql/progress_sql.h"

#include "drainer/base/crc32c.h"
#include "syncer/mysql/session/literal.h"

namespace drainer::mysql {

Result<AppliedState> parse_state(const ResultRow& row) {
  AppliedState state;
  state.commit_ts = CommitTs(number_of<int64_t>(row[0]));
  state.ddl_ts = CommitTs(number_of<int64_t>(row[2]));
  TRY(decode_spans(row[1].value_or(""), state));
  return state;
}

std::string state_assignments(const AppliedState& state) {
  return fmt::format("commit_ts={},applied='{}',ddl_ts={}", state.commit_ts.value,
                     encode_spans(state), state.ddl_ts.value);
}

std::string table_of(const schema::TableName& name) {
  std::string table;
  append_table_name(table, name.schema, name.table);
  return table;
}

NamedLock session_lock(const ProgressTable::Id& id, std::string_view worker,
                       const std::string& owner) {
  return NamedLock(fmt::format("drainer row {} {} {:08x}", id.cluster_id, worker,
                               crc32c(table_of(id.table) + " " + owner)));
}

std::string quoted(std::string_view text) {
  std::string out;
  append_quoted(out, text, {.no_backslash_escapes = true});
  return out;
}

}  // namespace drainer::mysql
