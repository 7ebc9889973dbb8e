#pragma once

#include <string>

#include "conf/options.h"

namespace drainer {

/// The options as one line of JSON for the log, members named as in the file, but "sycner" at the
/// top as in the original. FIX: every secret is masked.
std::string options_json(const Options& options);

}  // namespace drainer
