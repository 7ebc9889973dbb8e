#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "drainer/schema/schema.h"

namespace drainer::relay {

/// Undoes a fault of the original in its files, which ours repeat unless `original-errors` is
/// false: after a RENAME TABLE of several tables it goes on to write their rows under old names
/// (schema-and-ddl.md, job type 47): the database's always, the table's too but for the last one,
/// until a DDL of the table makes its name known. Relay logs have the names as they are; which of
/// both wrote a file shows at the first row under a name that only one of them would write. One
/// thread.
class StaleNames {
 public:
  using Exists = std::function<bool(const schema::TableName&)>;

  /// The tables of a RENAME, in pairs of old and new names. All were there under the old one.
  void rename(const std::vector<schema::TableName>& names);
  /// A DDL has changed the table, or emptied it.
  void alter(const schema::TableName& name);
  void truncate(const schema::TableName& name) { names_.erase(folded(name)); }
  void remove(const schema::TableName& name) { names_.erase(folded(name)); }

  /// The table whose rows stand under `name`; `exists` knows the tables by their real names.
  schema::TableName find_table(const schema::TableName& name, const Exists& exists);

  static schema::TableName folded(const schema::TableName& name);

 private:
  enum class Writer : uint8_t { kUnknown, kRight, kOriginal };
  struct Names {
    schema::TableName real;
    schema::TableName written;  ///< by the original
  };

  Writer writer_ = Writer::kUnknown;
  std::map<schema::TableName, Names> names_;  ///< by the real name in lower case; where they differ
};

}  // namespace drainer::relay
