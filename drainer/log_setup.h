#pragma once

#include "conf/options.h"
#include "drainer/base/result.h"

namespace drainer {

/// Opens the log that the options ask for, and greets in it (spec/drainer-process.md 2.1). Errors
/// begin with "Failed to initialize log".
Result<void> set_up_log(const Options& options);

}  // namespace drainer
