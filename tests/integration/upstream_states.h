#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "drainer/base/result.h"
#include "syncer/mysql/applied_state.h"
#include "syncer/mysql/session/session.h"

namespace drainer::integration {

/// Rows by table ("db.table"): columns as text joined by '|', NULL as it is.
using TableRows = std::map<std::string, std::multiset<std::string>>;

/// What some tables of a recorded upstream held after any set of its transactions, by our own
/// decoding of what its pumps sent. Immutable.
class UpstreamStates {
 public:
  /// Follows `tables` through the capture in `directory`.
  static Result<UpstreamStates> read(const std::string& directory,
                                     const std::vector<std::string>& tables);

  /// After the transactions that `state` says are applied, in their order.
  TableRows at(const mysql::AppliedState& state) const;
  const std::vector<std::string>& tables() const { return tables_; }

 private:
  struct Change {
    std::string table;
    std::string before;  ///< empty for an insert
    std::string after;   ///< empty for a delete
  };
  std::vector<std::string> tables_;
  std::map<CommitTs, std::vector<Change>> changes_;
};

/// The same of a server, as the session's transaction sees it.
Result<TableRows> read_rows(mysql::Session& session, const std::vector<std::string>& tables);

}  // namespace drainer::integration
