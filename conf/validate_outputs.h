#pragma once

#include <string>
#include <vector>

#include "conf/key_table.h"

namespace drainer::conf {

/// Takes and checks [syncer.to.file] and [syncer.to.kafka]; adds what is wrong to `problems`.
void take_output_choices(Draft& draft, std::vector<std::string>& problems);

}  // namespace drainer::conf
