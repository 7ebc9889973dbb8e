#pragma once

#include <cstdint>

#include "drainer/base/error.h"
#include "drainer/base/retry.h"

namespace drainer::mysql {

inline constexpr int32_t kUnknownDatabase = 1049;
inline constexpr int32_t kNoSuchTable = 1146;
/// A value out of range: what a guard (rows/packet.h) fails with.
inline constexpr int32_t kGuardError = 1690;

/// Pauses between attempts at one downstream transaction or DDL.
inline constexpr Backoff::Limits kRetryPauses{std::chrono::milliseconds(100),
                                              std::chrono::seconds(10)};

/// What a failed statement calls for (spec/mysql-sink.md 6.10).
enum class FailureClass : uint8_t {
  kFatal,     ///< another try cannot help
  kRefresh,   ///< the table may have changed: read it again, once
  kSafeMode,  ///< duplicate key: the row once in safe mode
  kGuard,     ///< a guard, or a real overflow: find out statement by statement
  kTooLarge,  ///< the transaction exceeds the downstream's limit: cut it
  kRetry,     ///< busy, conflict, restart: again after a pause, on the same connection
  kLost,      ///< the connection is gone; the outcome may be unknown
};

/// By Error::detail(); errors without a number are fatal.
FailureClass classify_failure(const Error& error);
/// The session is gone.
bool is_lost(const Error& error);
/// Another try may help, where needed with another session.
bool may_retry(const Error& error);

/// The error as kUnavailable where another try may help later, else as it is.
Error as_unavailable_if_retryable(Error error);
/// The server takes no writes now (read-only, not in its cluster). By the next try its address may
/// lead to another one, which only a new session finds.
bool takes_no_writes(const Error& error);

/// Codes after which a DDL counts as done (2.11).
bool is_ignorable_ddl_error(const Error& error);
/// Further codes that a DDL gives when it has been run before (6.5 b).
bool is_repeated_ddl_error(const Error& error);

}  // namespace drainer::mysql
