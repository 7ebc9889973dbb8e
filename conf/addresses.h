#pragma once

#include "conf/options.h"
#include "conf/problems.h"

namespace drainer::conf {

/// Checks `addr` and `advertise-addr`; splits `pd-urls` and checks each
/// (spec/drainer-process.md 1.8).
void check_addresses(Options& options, Problems& problems);

}  // namespace drainer::conf
