#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "drainer/base/mutex.h"
#include "drainer/base/result.h"
#include "drainer/schema/schema.h"
#include "syncer/mysql/rows/table_description.h"
#include "syncer/mysql/session/session.h"

namespace drainer::mysql {

/// Caches of tables begin anew when they hold this many columns: about 20 MB.
inline constexpr size_t kCachedColumnsMax = 200'000;

/// Descriptions of downstream tables, read on first use, for all threads of a sink. Any thread.
///
/// Nobody may ask for a table while a DDL on it runs; whoever has run the DDL evicts it.
class DownstreamTables {
 public:
  /// `sees_triggers` false: every table may have triggers.
  explicit DownstreamTables(bool sees_triggers = true) : sees_triggers_(sees_triggers) {}

  using Description = std::shared_ptr<const TableDescription>;

  /// From the cache, else from the server. kNotFound "table not exist" when there is no such table.
  Result<Description> find(Session& session, const schema::TableName& name) EXCLUDES(mutex_);
  /// Reads those that are not in the cache with a few queries for all of a database. What does not
  /// exist is left out.
  Result<void> read_ahead(Session& session, std::span<const schema::TableName> names)
      EXCLUDES(mutex_);
  /// Forgets one table, with an empty `table` all tables of the database, and what refers to them
  /// by foreign keys: they may have another name now.
  void evict(const schema::TableName& name) EXCLUDES(mutex_);
  void clear() EXCLUDES(mutex_);
  /// Rises with each evict() and clear(): what was made of descriptions before may be outdated.
  uint64_t generation() const EXCLUDES(mutex_);

 private:
  using Key = std::pair<std::string, std::string>;  ///< folded schema and table
  static Key key_of(const schema::TableName& name);
  /// Unless something has been evicted since `generation`, perhaps this one: the next reader asks
  /// again.
  void keep(Key key, Description table, uint64_t generation) EXCLUDES(mutex_);

  const bool sees_triggers_;
  mutable Mutex mutex_;
  std::map<Key, Description> tables_ GUARDED_BY(mutex_);
  size_t columns_ GUARDED_BY(mutex_) = 0;  ///< of tables_, about
  uint64_t generation_ GUARDED_BY(mutex_) = 0;
};

}  // namespace drainer::mysql
