#pragma once

// gRPC's headers. abseil behind them defines two names of drainer/base/mutex.h as well; ours stay.

#pragma push_macro("GUARDED_BY")
#pragma push_macro("NO_THREAD_SAFETY_ANALYSIS")
#undef GUARDED_BY
#undef NO_THREAD_SAFETY_ANALYSIS

#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/server_posix.h>

#pragma pop_macro("NO_THREAD_SAFETY_ANALYSIS")
#pragma pop_macro("GUARDED_BY")
