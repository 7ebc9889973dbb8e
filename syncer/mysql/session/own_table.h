#pragma once

#include <string>

#include "drainer/base/result.h"
#include "syncer/mysql/session/session.h"

namespace drainer::mysql {

/// A table in which the drainer keeps something of its own downstream.
struct OwnTable {
  std::string schema;      ///< not quoted
  std::string quoted;      ///< `` `schema`.`table` ``
  std::string definition;  ///< what stands behind CREATE TABLE and the name
  std::string purpose;     ///< for the error text: "keeps the progress"
};

/// Creates it, and its database, unless it is there: a user without the privilege to create may
/// find both made for him. kDenied names the GRANT that is missing.
Result<void> ensure_table(Session& session, const OwnTable& table);

}  // namespace drainer::mysql
