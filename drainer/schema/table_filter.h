#pragma once

#include <memory>
#include <string>
#include <vector>

#include "conf/options.h"
#include "drainer/base/result.h"
#include "drainer/schema/schema.h"

namespace re2 {
class RE2;
}

namespace drainer::schema {

/// Which tables are replicated: `replicate-do-db`, `replicate-do-table`, `ignore-schemas`,
/// `ignore-table` (spec/schema-and-ddl.md 5.2). Made without rules it keeps all. Immutable but
/// for ignore(); any thread.
class TableFilter {
 public:
  /// kInvalid names the pattern that is no regular expression.
  static Result<TableFilter> make(const SyncerOptions& options);

  /// From now on nothing of exactly this table passes, names compared without case. False when
  /// nothing did before.
  bool ignore(const TableName& name);
  /// ignore() was called with it.
  bool is_own(const TableName& name) const;

  /// True: nothing of this table goes downstream. Of a whole database: its `table` is empty.
  bool skips(const TableName& name) const;

 private:
  // A name, matched whole, or '~' and an expression to be searched for.
  struct Pattern {
    std::shared_ptr<const re2::RE2> expression;

    static Result<Pattern> make(const std::string& pattern);
    bool matches(const std::string& name) const;
  };
  struct TableRule {
    Pattern schema;
    Pattern table;

    bool matches(const TableName& name) const;
  };
  static Result<std::vector<Pattern>> make_patterns(const std::vector<std::string>& patterns);
  static Result<std::vector<TableRule>> make_rules(const std::vector<TablePattern>& patterns);

  std::vector<Pattern> do_schemas_;
  std::vector<TableRule> do_tables_;
  std::vector<Pattern> ignored_schemas_;
  std::vector<TableRule> ignored_tables_;
  std::vector<TableName> ignored_names_;  ///< in lower case
};

}  // namespace drainer::schema
