#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "drainer/schema/schema.h"
#include "syncer/mysql/order/conflict_graph.h"
#include "syncer/mysql/rows/table_description.h"
#include "syncer/txn.h"

namespace drainer::mysql {

/// What rows of one upstream table version touch downstream, as hashes: the values of all unique
/// keys, old and new, and the rows that foreign keys point to (spec/mysql-sink.md 6.3).
///
/// Keys that the downstream may hold equal hash equal: letters are folded, trailing blanks cut,
/// values cut to the index prefix. Where that cannot be said (unusual letters under a collation,
/// an index over an expression, a value of another type), the row takes the whole table, and so
/// does a row without a complete unique key. What a trigger reads and writes is not known: rows of
/// tables with triggers must exclude all others (has_triggers). Immutable; any thread.
class RowUses {
 public:
  /// A table that a foreign key points to.
  using Parent = std::shared_ptr<const TableDescription>;
  /// `parents[i]` belongs to downstream.foreign_keys[i]; null when it does not exist downstream.
  static RowUses make(const schema::TableVersion& table, const TableDescription& downstream,
                      const std::vector<Parent>& parents);

  /// The hashes of all unique keys of one row. False when they do not tell which other rows it may
  /// be equal to in some key.
  bool append_unique(std::span<const tidb::Value> row, std::vector<uint64_t>& hashes) const;

  void append_uses(const Txn& txn, const RowChange& row, std::vector<KeyUse>& uses) const;
  /// Of the downstream table. Not where there only may be some: a server that does not show them
  /// would be written by one worker.
  bool has_triggers() const { return has_triggers_; }

 private:
  struct Column {
    uint32_t offset;  ///< into the upstream row
    DownstreamColumn downstream;
    uint32_t prefix_length;
  };
  struct Key {
    uint64_t seed = 0;
    std::vector<Column> columns;
  };
  struct ForeignKey {
    Key key;
    uint64_t parent_table = 0;
    /// The columns it points to are no unique key that can be hashed: the whole parent table.
    bool is_whole_table = false;
  };
  enum class Hashed : uint8_t { kNothing, kKey, kAnything };
  using Row = std::span<const tidb::Value>;

  static Hashed hash_key(const Key& key, Row row, uint64_t& hash);
  void append_row(Row row, std::vector<KeyUse>& uses) const;
  void append_parents(Row row, std::vector<KeyUse>& uses) const;

  uint64_t table_ = 0;
  bool has_opaque_key_ = false;
  bool has_triggers_ = false;
  std::vector<Key> keys_;
  std::vector<ForeignKey> foreign_keys_;
};

/// The table as a whole: read by each of its rows, written by what excludes them all.
uint64_t hash_table(const schema::TableName& name);

/// Hash of a value so that values which a unique index over `column` takes for equal get the same.
/// Nothing when that cannot be promised.
std::optional<uint64_t> hash_value(const tidb::Value& value, const DownstreamColumn& column,
                                   uint32_t prefix_length);

}  // namespace drainer::mysql
