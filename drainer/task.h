#pragma once

#include <string>

#include "drainer/base/threads.h"

namespace drainer {

/// Starts one of the tasks that the original has, with its log lines: operators look for them
/// (spec/drainer-process.md 2.4).
void start_task(ThreadGroup& threads, const std::string& name, ThreadGroup::Body body);

}  // namespace drainer
