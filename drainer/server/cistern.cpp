#include "drainer/server/cistern.h"

#include <utility>

#include "drainer/base/log.h"
#include "drainer/rpc/grpc_client.h"

namespace drainer::server {

namespace {

// NotifyResp, DumpDDLJobsResp without jobs.
rpc::GrpcReply empty_message() {
  return {.messages = {Bytes()}, .status = 0, .text = {}};
}

rpc::GrpcReply failure(const Error& error) {
  log_error("grpc call notify failed", {{"error", error}});
  const auto status = error.code() == ErrorCode::kStopped ? rpc::GrpcStatus::kUnavailable
                                                          : rpc::GrpcStatus::kUnknown;
  return {.messages = {}, .status = static_cast<int32_t>(status), .text = error.to_string()};
}

}  // namespace

rpc::GrpcMethods cistern_methods(std::function<Result<void>(const StopToken&)> notify) {
  rpc::GrpcMethods methods;
  methods["/binlog.Cistern/Notify"] = [notify = std::move(notify)](ByteView,
                                                                   const StopToken& stop) {
    const Result<void> done = notify(stop);
    return done.ok() ? empty_message() : failure(done.error());
  };
  methods["/binlog.Cistern/DumpBinlog"] = [](ByteView, const StopToken&) {
    return rpc::GrpcReply{};
  };
  methods["/binlog.Cistern/DumpDDLJobs"] = [](ByteView, const StopToken&) {
    return empty_message();
  };
  return methods;
}

}  // namespace drainer::server
