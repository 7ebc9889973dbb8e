#pragma once

#include "conf/key_table.h"
#include "conf/load.h"
#include "conf/problems.h"

namespace drainer::conf {

/// Completes the options: what is empty gets its value, what is of another shape while loading its
/// place (spec/drainer-process.md 1.7). The look-up of brokers in ZooKeeper is left to the Kafka
/// sink.
void adjust(const Environment& environment, Draft& draft, Problems& problems);

}  // namespace drainer::conf
