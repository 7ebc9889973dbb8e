#pragma once

#include "conf/key_table.h"
#include "conf/problems.h"

namespace drainer::conf {

/// Refuses the numbers and durations that lie outside of their key's range. Changes nothing.
void check_numbers(Draft& draft, Problems& problems);

}  // namespace drainer::conf
