#pragma once

#include <string>
#include <vector>

#include "conf/key_table.h"

namespace drainer::conf {

/// The numbers and durations that lie outside of their key's range, one sentence each. Pure.
std::vector<std::string> problems_of_numbers(Draft& draft);

}  // namespace drainer::conf
