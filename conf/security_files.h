#pragma once

#include "conf/options.h"
#include "drainer/base/result.h"

namespace drainer::conf {

/// Reads the files of one TLS table once, so that a bad path or key shows at start; nothing is kept
/// (spec/drainer-process.md 1.8, 1.10). KEEP: without ssl-ca there is no TLS and nothing is read.
Result<void> check_security_files(const SecurityOptions& security);

}  // namespace drainer::conf
