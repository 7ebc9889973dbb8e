#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

namespace drainer {

/// What kind of trouble an Error is; decides about retry, not about wording.
enum class ErrorCode : uint8_t {
  kInvalid,      ///< the caller or operator gave something wrong: configuration, statement, request
  kCorrupt,      ///< bytes or documents that break their format
  kNotFound,     ///< a named thing does not exist
  kConflict,     ///< someone else holds or changed it
  kDenied,       ///< authentication, privileges, certificates
  kUnavailable,  ///< peer unreachable or busy; worth another try
  kTimeout,      ///< no answer within the given time; the outcome may be unknown
  kStopped,      ///< the StopToken was requested; not a fault
  kUnsupported,  ///< understood, but this build or peer cannot do it
  kInternal,     ///< a peer or library broke its contract
};

std::string_view to_string(ErrorCode code);

/// A failure outside our control: a code, one sentence with the values, and what was being done.
///
/// Texts are lower case without full stop. `detail` is the peer's own number where it has one
/// (gRPC status, MySQL error code, errno), or TiDB's for what it would say of the same bytes; else
/// 0. Immutable but for because(); any thread.
class Error {
 public:
  Error(ErrorCode code, std::string text, int32_t detail = 0)
      : code_(code), detail_(detail), text_(std::move(text)) {}

  ErrorCode code() const { return code_; }
  int32_t detail() const { return detail_; }
  /// The innermost sentence.
  const std::string& text() const { return text_; }

  /// Adds what was being done when the error came up; the outermost is printed first.
  template <class... Args>
  Error&& because(fmt::format_string<Args...> format, Args&&... args) && {
    contexts_.push_back(fmt::format(format, std::forward<Args>(args)...));
    return std::move(*this);
  }

  /// "outer: inner: text", as the Go program chains its errors.
  std::string to_string() const;

 private:
  ErrorCode code_;
  int32_t detail_;
  std::string text_;
  std::vector<std::string> contexts_;
};

/// Error{code, formatted text}.
template <class... Args>
Error make_error(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return Error(code, fmt::format(format, std::forward<Args>(args)...));
}

/// What a call returns whose StopToken was requested, where there is no more to say.
inline Error stopped() {
  return Error(ErrorCode::kStopped, "stopped");
}

}  // namespace drainer
