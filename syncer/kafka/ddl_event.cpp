#include "syncer/kafka/ddl_event.h"

#include <algorithm>
#include <utility>

#include "drainer/base/ascii.h"
#include "drainer/tidb/ddl_rewrite.h"
#include "drainer/tidb/ddl_sql_mode.h"
#include "drainer/tidb/ddl_statement.h"

namespace drainer::kafka {

namespace {

using schema::TableName;
using tidb::DdlKind;
using tidb::DdlStatement;
using tidb::NameInText;

std::string_view without_end(std::string_view text) {
  while (text.ends_with(';') || text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// Makes the events of one DDL.
class EventMaker {
 public:
  EventMaker(const Txn& txn, std::vector<DdlEvent>& events)
      : commit_ts_(txn.commit_ts), effect_(txn.ddl->effect), events_(events) {}

  void add(std::string_view statement_text) {
    const std::string told =
        tidb::ddl_for_tidb(statement_text, effect_.name.schema, effect_.name.table);
    const std::string_view text = without_end(told);
    if (text.empty()) return;
    const DdlStatement statement = tidb::parse_ddl(text, tidb::kDefaultSqlMode);
    const std::vector<NameInText>& names = statement.tables;
    const bool has_pairs = !names.empty() && names.size() % 2 == 0;
    if (statement.kind == DdlKind::kRenameTable && has_pairs) {
      return add_renames(text, names);
    }
    // Of a batch that a filter has thinned out, effect.name may be a table that is not in it.
    const bool is_create = statement.kind == DdlKind::kCreateTable && !names.empty();
    DdlEvent event{.commit_ts = commit_ts_,
                   .name = is_create ? full_name(names[0]) : effect_.name,
                   .old_name = std::nullopt,
                   .text = {}};
    const bool has_two = statement.kind == DdlKind::kAlterTable && names.size() == 2;
    // Of EXCHANGE PARTITION the second one is another table.
    if (has_two && full_name(names[1]) == event.name) event.old_name = full_name(names[0]);
    const bool needs_full_names = has_two || used() != event.name.schema;
    event.text = needs_full_names ? tidb::qualify_names(text, used()) : std::string(text);
    events_.push_back(std::move(event));
  }

 private:
  void add_renames(std::string_view text, const std::vector<NameInText>& names) {
    std::vector<bool> keeps(names.size() / 2);
    for (size_t i = 0; i < keeps.size(); ++i) {
      keeps[i] = true;
      events_.push_back({.commit_ts = commit_ts_,
                         .name = full_name(names[2 * i + 1]),
                         .old_name = full_name(names[2 * i]),
                         .text = tidb::qualify_names(
                             tidb::rename_only(text, tidb::kDefaultSqlMode, keeps), used())});
      keeps[i] = false;
    }
  }

  /// Where unqualified names live.
  const std::string& used() const {
    return effect_.use_schema.empty() ? effect_.name.schema : effect_.use_schema;
  }

  // Spelled as the catalogue has it, where that knows it: rows go to the topic of that name.
  TableName full_name(const NameInText& name) const {
    TableName out{name.is_qualified() ? name.schema : used(), name.table};
    std::vector<TableName> known = effect_.touched;
    known.push_back(effect_.name);
    const auto is_in_it = [&](const TableName& table) {
      return equals_folded(table.schema, out.schema);
    };
    if (const auto found = std::ranges::find_if(known, is_in_it); found != known.end()) {
      out.schema = found->schema;
    }
    const auto is_it = [&](const TableName& table) {
      return is_in_it(table) && equals_folded(table.table, out.table);
    };
    const auto found = std::ranges::find_if(known, is_it);
    return found == known.end() ? out : *found;
  }

  const CommitTs commit_ts_;
  const schema::DdlEffect& effect_;
  std::vector<DdlEvent>& events_;
};

}  // namespace

std::vector<DdlEvent> ddl_events(const Txn& txn) {
  std::vector<DdlEvent> events;
  EventMaker maker(txn, events);
  const std::string& text = txn.ddl->text;
  // Only the whole text shows whether TiDB printed it.
  const std::string batch = tidb::to_default_sql_mode(text);
  const std::vector<std::string_view> statements = tidb::split_statements(batch);
  if (statements.size() < 2) {
    maker.add(text);
  } else {
    for (const std::string_view statement : statements) maker.add(statement);
  }
  return events;
}

}  // namespace drainer::kafka
