#pragma once

#include <string>
#include <string_view>

#include "drainer/base/error.h"
#include "drainer/rpc/grpc_client.h"

namespace drainer::rpc {

/// The Error of a call that ended with `status`, in grpc-go's words: "rpc error: code = NotFound
/// desc = …". The number goes to detail(). Requires: not kOk.
Error status_error(int32_t status, std::string_view message);

/// The gRPC status that an HTTP status other than 200 stands for, where the peer sent no gRPC
/// status.
int32_t status_of_http(int32_t http_status);

/// Undoes the percent encoding of grpc-message; anything ill-formed stays as it is.
std::string decode_message(std::string_view encoded);

}  // namespace drainer::rpc
