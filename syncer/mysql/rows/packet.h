#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "drainer/base/result.h"
#include "syncer/mysql/rows/net_changes.h"
#include "syncer/mysql/session/literal.h"
#include "syncer/txn.h"

namespace drainer::mysql {

/// A statement that fails with kGuardError (session/failure.h), and so stops its packet, unless the
/// statement before it matched exactly `rows` rows. Works on MariaDB, MySQL and TiDB: the sum
/// leaves the range of BIGINT UNSIGNED when the comparison is true. (DO would swallow the error.)
void append_guard(std::string& sql, uint64_t rows);

/// How row changes become statements.
enum class WriteMode : uint8_t {
  kExact,  ///< each UPDATE and DELETE must find its row
  kSafe,   ///< may be repeated: REPLACE, DELETE + REPLACE (spec/mysql-sink.md 2.10, 6.7)
};

struct PacketLimits {
  size_t packet_bytes;       ///< a packet is sent before it grows beyond this
  size_t packet_bytes_max;   ///< what the server takes; one row above it is an error
  size_t packet_statements;  ///< and before it holds more statements
  size_t packet_scans;       ///< or more of those that look for a row without key
  size_t statement_bytes;    ///< a multi-row statement is closed beyond this
  size_t statement_rows;
};

/// Those of a server with this max_allowed_packet.
PacketLimits packet_limits(size_t max_allowed_packet);

/// A statement that no packet can hold.
Error too_large_error(size_t bytes, size_t bytes_max);

/// Plans whose rows are to be written one by one, in order. Those that nobody uses any more expire.
using PlanSet = std::unordered_map<const TablePlan*, std::weak_ptr<const TablePlan>>;

/// Writes the statements of one downstream transaction and sends them in as few packets as the
/// limits allow.
///
/// In kExact, the changes of a row are put together (net_changes.h) and rows are written table by
/// table: deletes as lists of keys; rows that stay where they are as one INSERT of many that
/// updates those which exist, all of them; rows whose unique keys change by an UPDATE each; then
/// inserts. An INSERT counts two for a row that was there and has changed, so that its guard finds
/// a missing row as an UPDATE's does. Columns that only the downstream has keep their values.
/// Elsewhere the order of the row changes is kept and neighbours are put together, except deletes
/// that triggers may see. One thread;
/// plans and rows must outlive the writer.
class PacketWriter {
 public:
  using Send = std::function<Result<void>(std::string_view packet)>;

  PacketWriter(PacketLimits limits, QuoteStyle style, WriteMode mode, const PlanSet& ordered,
               Send send);

  /// A statement as it is, without semicolon.
  Result<void> add_statement(std::string_view sql);
  /// As add_statement(), guarded to match `rows` rows.
  Result<void> add_guarded(std::string_view sql, uint64_t rows);
  Result<void> add_row(const TablePlan& plan, const Txn& txn, const RowChange& row);
  /// Sends what is left.
  Result<void> finish();

 private:
  using Row = std::span<const tidb::Value>;
  enum class Verb : uint8_t { kNone, kInsert, kReplace, kChange, kDelete };
  /// The open multi-row statement, always the last one in sql_.
  struct Run {
    Verb verb = Verb::kNone;
    const TablePlan* plan = nullptr;
    int32_t key = -1;  ///< of a delete that may grow to a list
    Row first;         ///< its first row
    size_t begin = 0;  ///< offset in sql_
    size_t rows = 0;
    bool can_grow = false;
  };

  /// A row change by itself.
  Result<void> write_row(const TablePlan& plan, const Txn& txn, const RowChange& row);
  /// Writes what has been put together.
  Result<void> write_net();
  Result<void> add_insert(Verb verb, const TablePlan& plan, Row row);
  Result<void> add_replace(const TablePlan& plan, Row row);
  Result<void> add_delete(const TablePlan& plan, Row row);
  Result<void> count_statement(bool is_scan);
  Result<void> add_update(const TablePlan& plan, Row new_row, Row old_row);
  bool continues_run(Verb verb, const TablePlan& plan) const;
  Result<void> grow_delete(Row row);
  Result<void> send_rest();
  /// Ends the open statement with its guard.
  void close_run();
  /// Marks the end of a statement (or of a row of a run) and sends full packets.
  Result<void> fit_packet(bool is_statement_end);

  const PacketLimits limits_;
  const QuoteStyle style_;
  const WriteMode mode_;
  const PlanSet& ordered_;
  const Send send_;
  NetChanges net_;
  std::string sql_;
  size_t statements_ = 0;  ///< in sql_, likewise scans_
  size_t scans_ = 0;
  size_t complete_ = 0;  ///< end of the last closed statement in sql_
  Run run_;
};

}  // namespace drainer::mysql
