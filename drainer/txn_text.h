#pragma once

#include <string>

#include "drainer/base/result.h"
#include "syncer/txn.h"

namespace drainer {

// Transactions that were read back from files or messages, for people and their tools. Pure.

/// In the lines of the original's `reparo -dest-type print`, but with texts as texts and binary
/// values as 0x….
///
///     # <commit ts> <local time>
///     DDL query: <text>
///     schema: <schema>; table: <table>; type: Insert|Update|Delete
///     <column>(<type>): <value>            or, for updates: <old> => <new>
Result<void> append_lines(std::string& out, const Txn& txn);

/// As one JSON object on a line: commitTs, time, and either ddl {schema, table, query} or rows,
/// each {schema, table, type, columns: [{name, type, value, old}]}. Numbers are numbers; texts that
/// are no UTF-8, and binary values, are {"hex": "…"}.
Result<void> append_json(std::string& out, const Txn& txn);

/// As the SQL that a replay would send, if the downstream had the same columns. Keys are known only
/// from Kafka messages; without them all columns stand in the WHERE.
Result<void> append_sql(std::string& out, const Txn& txn);

}  // namespace drainer
