#pragma once

#include <string_view>

#include "drainer/base/bytes.h"

namespace drainer::cases {

/// JSON text as TiDB's binary JSON: type code and value (drainer/tidb/README.md). Throws
/// std::runtime_error on text that is no JSON. Members are put in TiDB's order.
Bytes binary_json(std::string_view text);

}  // namespace drainer::cases
