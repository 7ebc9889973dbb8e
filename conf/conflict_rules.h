#pragma once

#include <string>
#include <vector>

#include "conf/options.h"

namespace drainer::conf {

/// What is wrong with `[[syncer.conflict]]`, one sentence each. Pure.
std::vector<std::string> problems_of(const std::vector<ConflictRule>& rules);

}  // namespace drainer::conf
