#pragma once

#include <functional>

#include "drainer/rpc/http2_server.h"

namespace drainer::server {

/// The gRPC service binlog.Cistern (spec/drainer-process.md 6.3). Pumps call Notify when they
/// start; the two others are left from before the pumps and give empty answers.
///
/// FIX: once no look at the list of pumps will come, Notify fails as unavailable, not hangs.
rpc::GrpcMethods cistern_methods(std::function<Result<void>(const StopToken&)> notify);

}  // namespace drainer::server
