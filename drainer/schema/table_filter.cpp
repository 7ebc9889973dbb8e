#include "drainer/schema/table_filter.h"

#include <algorithm>

#include <re2/re2.h>

#include "drainer/schema/lower_case.h"

namespace drainer::schema {

Result<TableFilter::Pattern> TableFilter::Pattern::make(const std::string& pattern) {
  // KEEP: a plain name is not escaped, so `a.b` also matches `axb`, and `a|b` more than two names.
  const std::string expression =
      pattern.starts_with('~') ? "(?i)" + pattern.substr(1) : "(?i)^" + pattern + "$";
  auto compiled = std::make_shared<const re2::RE2>(expression, re2::RE2::Quiet);
  if (!compiled->ok()) {
    return make_error(ErrorCode::kInvalid, "pattern `{}` of a table filter: {}", pattern,
                      compiled->error());
  }
  return Pattern{std::move(compiled)};
}

bool TableFilter::Pattern::matches(const std::string& name) const {
  return re2::RE2::PartialMatch(name, *expression);
}

bool TableFilter::TableRule::matches(const TableName& name) const {
  return schema.matches(name.schema) && table.matches(name.table);
}

Result<std::vector<TableFilter::Pattern>> TableFilter::make_patterns(
    const std::vector<std::string>& patterns) {
  std::vector<Pattern> out;
  for (const std::string& pattern : patterns) {
    ASSIGN_OR_RETURN(Pattern made, Pattern::make(pattern));
    out.push_back(std::move(made));
  }
  return out;
}

Result<std::vector<TableFilter::TableRule>> TableFilter::make_rules(
    const std::vector<TablePattern>& patterns) {
  std::vector<TableRule> out;
  for (const TablePattern& pattern : patterns) {
    ASSIGN_OR_RETURN(Pattern schema, Pattern::make(pattern.db_name));
    ASSIGN_OR_RETURN(Pattern table, Pattern::make(pattern.tbl_name));
    out.push_back({std::move(schema), std::move(table)});
  }
  return out;
}

Result<TableFilter> TableFilter::make(const SyncerOptions& options) {
  // KEEP: the allowing patterns are lower-cased as they stand, so that `~\D` means `~\d`.
  std::vector<std::string> do_schemas = options.replicate_do_db;
  std::ranges::transform(do_schemas, do_schemas.begin(), to_lower);
  std::vector<TablePattern> do_tables = options.replicate_do_table;
  for (TablePattern& pattern : do_tables) {
    pattern = {to_lower(pattern.db_name), to_lower(pattern.tbl_name)};
  }
  TableFilter filter;
  ASSIGN_OR_RETURN(filter.do_schemas_, make_patterns(do_schemas));
  ASSIGN_OR_RETURN(filter.do_tables_, make_rules(do_tables));
  ASSIGN_OR_RETURN(filter.ignored_schemas_, make_patterns(options.ignore_schemas));
  ASSIGN_OR_RETURN(filter.ignored_tables_, make_rules(options.ignore_table));
  return filter;
}

bool TableFilter::is_own(const TableName& name) const {
  const TableName lower{to_lower(name.schema), to_lower(name.table)};
  return std::ranges::find(ignored_names_, lower) != ignored_names_.end();
}

bool TableFilter::ignore(const TableName& name) {
  if (skips(name)) return false;
  ignored_names_.push_back({to_lower(name.schema), to_lower(name.table)});
  return true;
}

bool TableFilter::skips(const TableName& name) const {
  const TableName lower{to_lower(name.schema), to_lower(name.table)};
  const auto is_rule = [&](const TableRule& rule) { return rule.matches(lower); };
  const auto is_schema = [&](const Pattern& pattern) { return pattern.matches(lower.schema); };
  const bool is_allowed = (do_schemas_.empty() && do_tables_.empty()) ||
                          std::ranges::any_of(do_tables_, is_rule) ||
                          std::ranges::any_of(do_schemas_, is_schema);
  return !is_allowed || std::ranges::find(ignored_names_, lower) != ignored_names_.end() ||
         std::ranges::any_of(ignored_tables_, is_rule) ||
         std::ranges::any_of(ignored_schemas_, is_schema);
}

}  // namespace drainer::schema
