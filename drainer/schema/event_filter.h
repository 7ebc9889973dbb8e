#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "conf/options.h"
#include "drainer/base/result.h"
#include "drainer/schema/name_pattern.h"
#include "drainer/schema/schema.h"
#include "drainer/tidb/ddl_lexer.h"

namespace re2 {
class RE2;
}

namespace drainer::schema {

/// Which changes of replicated tables go on: `table-migrate-rule` with `binlog-filter-rule`
/// (spec/schema-and-ddl.md 5.3–5.5). Made without rules it keeps all. Immutable; any thread.
class EventFilter {
 public:
  /// kInvalid names the rule, pattern or event that is wrong.
  static Result<EventFilter> make(const SyncerOptions& options);

  bool empty() const { return rules_.empty(); }
  /// True: rows of this kind, "insert", "update" or "delete", are dropped.
  bool ignores_event(const TableName& name, std::string_view event) const;
  /// True: this DDL is not executed. `query` is the user's text, DdlJob::query.
  bool ignores_ddl(const TableName& name, std::string_view query) const;

 private:
  struct Rule {
    std::string schema_text;  // as configured, to tell rules apart
    std::string table_text;
    NamePattern schema;
    NamePattern table;  // of an empty text: any table and the database itself
    std::vector<std::string> events;
    std::vector<std::string> sql_texts;
    std::shared_ptr<const re2::RE2> sql;

    bool matches_event(std::string_view event, bool is_ddl) const;
  };

  static Result<void> add_filter(Rule& rule, const BinlogFilterRule& filter);
  Result<Rule*> find_or_add(const TableMigrateRule& source);
  Result<void> finish_rules();
  std::string folded(const std::string& name) const;
  template <class Matches>
  bool any_rule(const TableName& name, Matches matches) const;

  bool is_case_sensitive_ = false;
  tidb::SqlMode sql_mode_;
  std::vector<Rule> rules_;
};

}  // namespace drainer::schema
