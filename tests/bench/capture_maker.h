#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/bytes.h"

namespace drainer::bench {

/// A table of a made-up capture: `id bigint` (its key, unless it is keyless), `k int`, `c varchar`.
/// Plain data.
struct MadeTable {
  int64_t id = 0;
  std::string name;
  bool has_key = true;
};

struct MadeRow {
  int64_t id = 0;  ///< the key, of a keyless table a plain column
  int64_t k = 0;
  std::string c;
  int64_t row_id = 0;  ///< the hidden one of a keyless table's row
};

/// Writes captures that nobody has recorded, for benchmarks: a directory as upstream_sim plays it,
/// with one pump, and prepare.sql with the tables as the downstream must have them. Transactions
/// go to the disk as they come, so that their number is not bounded by memory. One thread.
class CaptureMaker {
 public:
  /// `directory` exists and is empty.
  explicit CaptureMaker(std::string directory);
  ~CaptureMaker();
  CaptureMaker(const CaptureMaker&) = delete;
  CaptureMaker& operator=(const CaptureMaker&) = delete;

  /// Before the first transaction.
  MadeTable add_table(std::string name, bool has_key);

  // Row changes of the open transaction, in order.
  void insert(const MadeTable& table, const MadeRow& row);
  void update(const MadeTable& table, const MadeRow& before, const MadeRow& after);
  void remove(const MadeTable& table, const MadeRow& row);
  /// Ends the transaction.
  void commit();

  /// Writes what is left; the maker takes no more.
  void finish();
  uint64_t rows() const { return rows_; }

 private:
  struct Mutation {
    int64_t table_id = 0;
    Bytes lists{};     ///< inserted, updated and deleted rows as fields
    Bytes sequence{};  ///< their order, as fields
  };
  Mutation& mutation_of(const MadeTable& table);
  void append_record(const Bytes& record);
  void write_meta() const;

  const std::string directory_;
  FILE* stream_;
  std::vector<MadeTable> tables_;
  std::vector<Mutation> mutations_;
  int64_t last_ts_;
  uint64_t rows_ = 0;
};

}  // namespace drainer::bench
