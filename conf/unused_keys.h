#pragma once

#include <string>
#include <vector>

#include "conf/key_table.h"

namespace drainer::conf {

/// The full names of the keys and flags without effect that are given. Changes nothing.
std::vector<std::string> unused_keys(Draft& draft);

}  // namespace drainer::conf
