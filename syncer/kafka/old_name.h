#pragma once

#include <optional>

#include "syncer/txn.h"

namespace drainer::kafka {

/// What a table was called before a DDL that renames it; nothing for other DDL. Pure.
std::optional<schema::TableName> find_old_name(const Ddl& ddl);

}  // namespace drainer::kafka
