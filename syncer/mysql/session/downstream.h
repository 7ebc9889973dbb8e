#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "conf/options.h"
#include "drainer/base/result.h"
#include "drainer/tidb/time_zone.h"
#include "syncer/mysql/session/session.h"

namespace drainer::mysql {

/// What is to know of a downstream before the first row is written. Plain data.
struct Downstream {
  SessionOptions dml;  ///< fixed time zone, modes that accept every row that exists upstream
  SessionOptions ddl;  ///< the server's own time zone and mode, no read timeout
  tidb::TimeZone time_zone;
  size_t max_allowed_packet = 0;
  bool may_see_triggers = true;  ///< false: any table may have some
};

/// Connects once to find out which session variables the server knows, its sql_mode and its packet
/// limit (spec/mysql-sink.md 1.3–1.5, 6.8, 6.9). `sql_mode` is syncer.sql-mode.
Result<Downstream> probe_downstream(const DownstreamOptions& to,
                                    const std::optional<std::string>& sql_mode);

/// Address, user and TLS of `to`, without variables.
SessionOptions base_session_options(const DownstreamOptions& to);

/// STRICT_TRANS_TABLES and STRICT_ALL_TABLES taken out (1.4).
std::string relax_sql_mode(std::string_view mode);

/// The sql_mode of sessions that write rows: a configured one with NO_AUTO_VALUE_ON_ZERO added,
/// else the server's, which also must not refuse or change what the upstream holds.
std::string dml_sql_mode(const std::optional<std::string>& configured, std::string_view server_mode,
                         int64_t sync_mode);

/// The sql_mode of sessions that run DDL: a configured one, else the server's, without modes that
/// read the texts in another way or refuse values which the upstream has; never
/// NO_BACKSLASH_ESCAPES, which the rewritten texts do not stand. Relaxed for sync-mode 2.
std::string ddl_sql_mode(const std::optional<std::string>& configured, std::string_view server_mode,
                         int64_t sync_mode);

inline constexpr int64_t kSyncModePartialColumns = 2;

}  // namespace drainer::mysql
