#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "drainer/base/result.h"
#include "syncer/mysql/session/session.h"
#include "syncer/txn.h"

namespace drainer::mysql {

/// What the downstream shows of the tables that a DDL is about, as a fingerprint: read before the
/// DDL and kept in its journal, it tells after a crash whether the DDL has happened, since nobody
/// else changes them meanwhile.
///
///     facts = ( "i" / "d" ) 16HEX
///
/// `d`: of the definitions alone. `i`: also of the storage engine's table ids, which a RENAME or
/// EXCHANGE PARTITION moves where all definitions stay the same; they need a privilege (PROCESS).
/// Errors are those of the server; a table that does not exist is a fact as well.
Result<std::string> read_ddl_facts(Session& session, const Ddl& ddl);

/// What stands before the facts of an early DDL in the journal, whose commit ts may be another's:
///
///     mark = [ "e" job_id "j" ]
std::string journal_mark(const Ddl& ddl);
/// The facts in a journal if it is that of `ddl`. Without a mark it is that of the DDL with the
/// journal's commit ts.
std::optional<std::string> facts_of(const Ddl& ddl, std::string_view journal);

/// True when a second run of `text` does something else than the first and its errors would not
/// show it: EXCHANGE PARTITION, RENAME of several tables, an index without name.
bool is_unrepeatable_ddl(std::string_view text);

enum class DdlVerdict : uint8_t { kDone, kNotDone, kUnknown };
/// Compares what was read `before` a DDL with what is found `now`; each may be empty, not known.
DdlVerdict judge_ddl(std::string_view text, std::string_view before, std::string_view now);

}  // namespace drainer::mysql
