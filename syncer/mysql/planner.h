#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/queue.h"
#include "syncer/mysql/applied_state.h"
#include "syncer/mysql/order/dispatcher.h"
#include "syncer/mysql/rows/downstream_tables.h"
#include "syncer/mysql/rows/row_uses.h"
#include "syncer/mysql/session/session.h"

namespace drainer::mysql {

struct PlannerOptions {
  SessionOptions session;
  int attempts_max = 100;
  /// Ask a TiDB downstream for its TSO from time to time (2.12).
  bool asks_secondary_ts = false;
};

/// Works out what each upstream transaction touches downstream and gives it to the dispatcher; what
/// an earlier run has applied only takes its place.
///
/// One thread, `mysql:plan`.
class Planner {
 public:
  /// `state` is what earlier runs have left.
  Planner(PlannerOptions options, std::unique_ptr<Session> session, AppliedState state,
          DownstreamTables& tables, Dispatcher& dispatcher, Clock& clock);

  /// Until the input is closed and drained, or `stop`.
  Result<void> run(BoundedQueue<Txn>& input, const StopToken& stop);

 private:
  struct Known {
    std::shared_ptr<const schema::TableVersion> table;  ///< keeps the key's address taken
    std::unique_ptr<const RowUses> keys;
  };
  struct OpenDdl {
    NodeId node = 0;
    std::vector<schema::TableName> changes{};
    bool is_barrier = false;
  };

  /// Takes what is there already behind the first one, so that the tables of all are read at once.
  void take_ahead(BoundedQueue<Txn>& input, std::vector<Txn>& txns);
  bool is_unknown(const schema::TableVersion& table) const;
  void read_ahead(const std::vector<Txn>& txns);
  Result<void> plan(Txn txn, const StopToken& stop);
  /// Into uses_.
  Result<void> find_uses(const Txn& txn, const StopToken& stop);
  void find_uses_of_ddl(const Ddl& ddl);
  /// Null while the table does not exist or a DDL is about to change it: then it is taken whole.
  Result<const RowUses*> find_keys(const std::shared_ptr<const schema::TableVersion>& table,
                                   const StopToken& stop);
  /// Of the rows of a table whose keys find_keys() has given.
  bool is_barrier(const RowUses* keys) const;
  Result<std::unique_ptr<const RowUses>> read_keys(const schema::TableVersion& table);
  /// Forgets DDLs that are done, and what was known of tables that have been read again.
  void follow_changes();
  bool is_changing(const schema::TableName& name) const;
  Result<void> add_secondary_ts(const StopToken& stop);

  const PlannerOptions options_;
  std::unique_ptr<Session> session_;  ///< null after a lost connection
  AppliedState start_;
  Dispatcher& dispatcher_;
  Clock& clock_;
  CommitTs previous_ts_;  ///< of the last transaction planned
  DownstreamTables& tables_;
  uint64_t generation_ = 0;  ///< of tables_ when known_ was made
  std::unordered_map<const schema::TableVersion*, Known> known_;
  size_t known_columns_ = 0;
  bool has_seen_triggers_ = false;  ///< on any table
  std::vector<OpenDdl> open_ddls_;
  Dispatcher::Uses uses_;  ///< of the transaction being planned; its memory is used again
  std::optional<TimePoint> last_secondary_ts_;
};

}  // namespace drainer::mysql
