#include "drainer/rpc/grpc_status.h"

#include "drainer/base/percent.h"

#include <array>

namespace drainer::rpc {

namespace {

struct StatusEntry {
  std::string_view name;  ///< as grpc-go prints it
  ErrorCode code;
};

/// Indexed by gRPC status.
constexpr std::array<StatusEntry, 17> kStatuses = {{
    {"OK", ErrorCode::kInternal},
    {"Canceled", ErrorCode::kUnavailable},
    {"Unknown", ErrorCode::kInternal},
    {"InvalidArgument", ErrorCode::kInvalid},
    {"DeadlineExceeded", ErrorCode::kTimeout},
    {"NotFound", ErrorCode::kNotFound},
    {"AlreadyExists", ErrorCode::kConflict},
    {"PermissionDenied", ErrorCode::kDenied},
    {"ResourceExhausted", ErrorCode::kUnavailable},
    {"FailedPrecondition", ErrorCode::kConflict},
    {"Aborted", ErrorCode::kConflict},
    {"OutOfRange", ErrorCode::kInvalid},
    {"Unimplemented", ErrorCode::kUnsupported},
    {"Internal", ErrorCode::kInternal},
    {"Unavailable", ErrorCode::kUnavailable},
    {"DataLoss", ErrorCode::kCorrupt},
    {"Unauthenticated", ErrorCode::kDenied},
}};

}  // namespace

Error status_error(int32_t status, std::string_view message) {
  const auto index = static_cast<size_t>(status);
  const bool known = status >= 0 && index < kStatuses.size();
  const std::string name =
      known ? std::string(kStatuses[index].name) : fmt::format("Code({})", status);
  return Error(known ? kStatuses[index].code : ErrorCode::kInternal,
               fmt::format("rpc error: code = {} desc = {}", name, message), status);
}

int32_t status_of_http(int32_t http_status) {
  switch (http_status) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return static_cast<int32_t>(GrpcStatus::kUnimplemented);
    case 429:
    case 502:
    case 503:
    case 504:
      return static_cast<int32_t>(GrpcStatus::kUnavailable);
    default:
      return static_cast<int32_t>(GrpcStatus::kUnknown);
  }
}

std::string decode_message(std::string_view encoded) {
  return percent_decode_leniently(encoded);
}

}  // namespace drainer::rpc
