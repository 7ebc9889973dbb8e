#pragma once

#include <string_view>

#include "drainer/base/result.h"

namespace drainer {

// What a subcommand prints. kUnavailable where it cannot be written.

Result<void> write_output(std::string_view text);
/// Of all that was written before.
Result<void> flush_output();

}  // namespace drainer
