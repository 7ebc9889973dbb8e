#pragma once

#include <string_view>

namespace drainer::kafka {

/// What Canal calls a DDL, `type` of canal-json, as TiCDC says it of TiDB's job; "QUERY" for all
/// that Canal has no name for. The text is in the default SQL mode. Pure.
std::string_view canal_ddl_type(std::string_view text);

}  // namespace drainer::kafka
