#include "syncer/mysql/session/failure.h"

#include <algorithm>
#include <array>

namespace drainer::mysql {
namespace {

/// Access denied (1044, 1045, 1142, 1143), syntax (1064), data that does not fit and everything
/// else that is not listed below is fatal at once.
constexpr std::array kRefreshCodes = {1054, 1146, 1136, 1364};
/// Among them: too many connections of a user (1203, 1226), a Galera node that is not ready (1047),
/// a row changed since the snapshot (1020, MariaDB), a commit undone by group replication (3100,
/// 3101), a statement over the server's time limit (1969, 3024), a TiDB whose schema is out of date
/// (8027) or whose transaction is (8005).
constexpr std::array kRetryCodes = {1020, 1040, 1047, 1105, 1158, 1159, 1160, 1161, 1180,
                                    1203, 1205, 1213, 1226, 1290, 1317, 1836, 1969, 3024,
                                    3100, 3101, 8002, 8005, 8022, 8027, 8028, 8229, 9001,
                                    9002, 9003, 9004, 9005, 9006, 9007, 9008, 9011};
constexpr std::array kNoWritesCodes = {1047, 1290, 1836};
constexpr int32_t kDuplicateEntry = 1062;
constexpr int32_t kTransactionTooLarge = 8004;
/// ER_SERVER_SHUTDOWN, ER_CONNECTION_KILLED and, where MySQL 8.0.24 has ended an idle session,
/// ER_CLIENT_INTERACTION_TIMEOUT.
constexpr std::array kLostCodes = {1053, 1927, 4031};

/// FIX: 1065, the answer to a text that is all in comments of TiDB: only TiDB can run it.
constexpr std::array kIgnorableDdlCodes = {1007, 1008, 1049, 1050, 1051, 1054, 1060,
                                           1061, 1065, 1091, 1146, 1176, 1831};
/// Multiple primary key; no such partition; partition exists; duplicate foreign key and, as older
/// servers and MariaDB say it, 1005 and 1022; check constraint exists or does not; unknown view.
constexpr std::array kRepeatedDdlCodes = {1068, 1507, 1517, 1735, 1826, 1005,
                                          1022, 3821, 3822, 4092, 4091};

template <size_t n>
bool contains(const std::array<int, n>& codes, int32_t code) {
  return std::ranges::find(codes, code) != codes.end();
}

}  // namespace

FailureClass classify_failure(const Error& error) {
  const int32_t code = error.detail();
  if (code >= 2000 && code < 3000) {
    return error.code() == ErrorCode::kDenied ? FailureClass::kFatal : FailureClass::kLost;
  }
  if (contains(kLostCodes, code)) return FailureClass::kLost;
  if (contains(kRefreshCodes, code)) return FailureClass::kRefresh;
  if (contains(kRetryCodes, code)) return FailureClass::kRetry;
  if (code == kDuplicateEntry) return FailureClass::kSafeMode;
  if (code == kGuardError) return FailureClass::kGuard;
  if (code == kTransactionTooLarge) return FailureClass::kTooLarge;
  return FailureClass::kFatal;
}

bool is_lost(const Error& error) {
  return classify_failure(error) == FailureClass::kLost;
}

bool may_retry(const Error& error) {
  return is_lost(error) || classify_failure(error) == FailureClass::kRetry;
}

Error as_unavailable_if_retryable(Error error) {
  if (!may_retry(error)) return error;
  return Error(ErrorCode::kUnavailable, error.to_string(), error.detail());
}

bool takes_no_writes(const Error& error) {
  return contains(kNoWritesCodes, error.detail());
}

bool is_ignorable_ddl_error(const Error& error) {
  return contains(kIgnorableDdlCodes, error.detail());
}

bool is_repeated_ddl_error(const Error& error) {
  return contains(kRepeatedDdlCodes, error.detail());
}

}  // namespace drainer::mysql
