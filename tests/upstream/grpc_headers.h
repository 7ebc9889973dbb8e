#pragma once

// gRPC's headers, without the names of abseil's that drainer/base/mutex.h defines too. To be
// included before any header of ours.

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>

#undef GUARDED_BY
#undef NO_THREAD_SAFETY_ANALYSIS
