#pragma once

#include <string>
#include <vector>

#include "conf/key_table.h"
#include "conf/load.h"

namespace drainer::conf {

/// Completes the options and checks them, in the order of spec/drainer-process.md 1.7 and 1.8.
///
/// Returns all problems, the original's first one first. Reads TLS and password files and runs
/// password commands; asks no network. The look-up of brokers in ZooKeeper is left to the Kafka
/// sink.
std::vector<std::string> adjust_and_validate(const Environment& environment, Draft& draft);

}  // namespace drainer::conf
