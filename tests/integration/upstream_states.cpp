#include "tests/integration/upstream_states.h"

#include <algorithm>

#include "drainer/tidb/value_text.h"
#include "tests/fakes/fake_sink.h"
#include "tests/integration/replay.h"

namespace drainer::integration {
namespace {

Result<std::string> row_text(std::span<const tidb::Value> row) {
  std::string text;
  for (size_t i = 0; i < row.size(); ++i) {
    if (i > 0) text.push_back('|');
    if (row[i].is_null()) {
      text += "NULL";
    } else {
      TRY(tidb::append_text(text, row[i]));
    }
  }
  return text;
}

}  // namespace

Result<UpstreamStates> UpstreamStates::read(const std::string& directory,
                                            const std::vector<std::string>& tables) {
  ASSIGN_OR_RETURN(const upstream::Capture capture, upstream::load_capture(directory));
  fakes::FakeSink sink;
  TRY(replay(capture, sink));
  UpstreamStates states;
  states.tables_ = tables;
  for (const Txn& txn : sink.txns()) {
    for (const RowChange& row : txn.rows) {
      const schema::TableName& name = txn.table_of(row).name;
      Change change{.table = name.schema + "." + name.table, .before = {}, .after = {}};
      if (std::ranges::find(tables, change.table) == tables.end()) continue;
      if (row.kind != RowKind::kInsert) {
        ASSIGN_OR_RETURN(change.before, row_text(txn.old_values(row)));
      }
      if (row.kind != RowKind::kDelete) {
        ASSIGN_OR_RETURN(change.after, row_text(txn.new_values(row)));
      }
      states.changes_[txn.commit_ts].push_back(std::move(change));
    }
  }
  return states;
}

TableRows UpstreamStates::at(const mysql::AppliedState& state) const {
  TableRows rows;
  for (const std::string& table : tables_) rows[table];
  for (const auto& [commit_ts, changes] : changes_) {
    if (!state.contains(commit_ts)) continue;
    for (const Change& change : changes) {
      std::multiset<std::string>& table = rows[change.table];
      if (!change.before.empty()) {
        const auto gone = table.find(change.before);
        // What was never there shows as a difference.
        if (gone != table.end()) {
          table.erase(gone);
        } else {
          table.insert("changed before it came: " + change.before);
        }
      }
      if (!change.after.empty()) table.insert(change.after);
    }
  }
  return rows;
}

Result<TableRows> read_rows(mysql::Session& session, const std::vector<std::string>& tables) {
  TableRows rows;
  for (const std::string& table : tables) {
    ASSIGN_OR_RETURN(const auto found, session.query("SELECT * FROM " + table));
    std::multiset<std::string>& texts = rows[table];
    for (const mysql::ResultRow& row : found) {
      std::string text;
      for (size_t i = 0; i < row.size(); ++i) {
        text += (i > 0 ? "|" : "") + row[i].value_or("NULL");
      }
      texts.insert(std::move(text));
    }
  }
  return rows;
}

}  // namespace drainer::integration
