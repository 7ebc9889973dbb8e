#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drainer/schema/schema.h"
#include "syncer/relay/stale_names.h"
#include "syncer/txn.h"

namespace drainer::relay {

/// Which tables exist at a point of a recorded stream, as far as its DDL and rows, and whoever adds
/// what there was before, tell. Names are compared without case. One thread.
///
/// Records do not hold all that the drainer knew of a DDL. What they lack follows from this: the
/// session's database, in which unqualified names live, is one that has such tables; of a DROP of
/// several tables, which TiDB logs as one job per table that existed, in the order of the text, a
/// job is that of the first one that still exists.
class KnownTables {
 public:
  void add(const schema::TableName& name);
  bool contains(const schema::TableName& name) const;

  /// Completes `use_schema`, `touched` and, when `is_named` is not set, `name` of the DDL, and
  /// takes its effect. The record names the table itself when `is_named`.
  void apply(Ddl& ddl, bool is_named);
  /// For records behind those that `past` has taken, with the tables added here: old names that
  /// rows go on under are known from there; without any added, so are the tables.
  void follow(KnownTables past);
  /// The tables of rows exist; where a fault of the original gave them old names they get theirs.
  void apply(Txn& txn);

 private:
  struct Statement;
  void remove(const schema::TableName& name);
  std::string find_database(const Statement& statement, const std::string& used) const;
  bool has_sources(const Statement& statement, const std::string& database) const;
  void take_effect(const Statement& statement, const Ddl& ddl);
  const schema::TableName* find_dropped(const std::vector<schema::TableName>& names) const;

  /// By names in lower case: the database as it is spelled.
  std::map<schema::TableName, std::string> tables_;
  StaleNames stale_;
  /// Descriptions under their table's real name.
  std::map<std::pair<const schema::TableVersion*, schema::TableName>,
           std::shared_ptr<const schema::TableVersion>>
      renamed_;
};

}  // namespace drainer::relay
