#pragma once

#include <optional>
#include <string>
#include <vector>

#include "syncer/txn.h"

namespace drainer::kafka {

/// A DDL as the JSON formats tell it: about one table or database. Plain data.
struct DdlEvent {
  CommitTs commit_ts;
  schema::TableName name;                     ///< after the change; `table` empty: a database
  std::optional<schema::TableName> old_name;  ///< of a rename: the rows before it have it
  std::string text;                           ///< makes sense with `name.schema` as the database
};

/// What consumers are told of the DDL of `txn`, in order, in TiDB's words as TiCDC tells them:
/// without placement options, every TTL off. A RENAME TABLE of several tables, and a batch of
/// CREATE TABLEs, is one event per table; a DROP of several, which TiDB logs once per table, names
/// its own only. Renames and exchanges have full names. Nothing if nothing is left of the text.
/// Pure.
std::vector<DdlEvent> ddl_events(const Txn& txn);

}  // namespace drainer::kafka
