#pragma once

#include <sys/types.h>

namespace drainer::fakes {

// What a process has used so far; 0 of one that has gone. Any thread.

/// User and system time: unlike the time that passes it does not suffer from a busy machine.
double cpu_seconds(pid_t pid);
/// The most memory that it has had resident.
double peak_rss_mib(pid_t pid);

/// User and system time of this process, to the microsecond.
double own_cpu_seconds();

}  // namespace drainer::fakes
