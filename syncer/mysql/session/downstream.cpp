#include "syncer/mysql/session/downstream.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "drainer/base/log.h"
#include "drainer/base/parse_number.h"
#include "syncer/mysql/session/literal.h"

namespace drainer::mysql {
namespace {

constexpr int32_t kUnknownVariable = 1193;
/// Old servers have explicit_defaults_for_timestamp for reading only, new ones for administrators.
constexpr int32_t kReadOnlyVariable = 1238;
constexpr int32_t kNeedsPrivilege = 1227;
constexpr std::string_view kTimestampVariable = "explicit_defaults_for_timestamp";
constexpr std::string_view kStrictVariable = "innodb_strict_mode";

/// Set where the server knows them. Foreign keys have been checked upstream; downstream the order
/// of rows within a transaction is not the original one, and cascades come as rows of their own.
/// CHECK constraints, too, unless TiDB ignores them, as it does before 7.2 and by default: MariaDB
/// then takes the rows that upstream has.
constexpr std::array<std::pair<const char*, const char*>, 11> kDefaultVariables = {{
    {"allow_auto_random_explicit_insert", "1"},
    {"tidb_txn_mode", "optimistic"},
    // Else an older TiDB may repeat the statements of a transaction after a conflict without the
    // guards between them, among them the one that shuts a replaced drainer out.
    {"tidb_disable_txn_auto_retry", "1"},
    {"tidb_placement_mode", "ignore"},
    {"foreign_key_checks", "OFF"},
    {"check_constraint_checks", "OFF"},
    // The drainer's own limits hold: a statement that waits for a lock, or a long DDL, is no fault.
    {"max_statement_time", "0"},
    {"max_execution_time", "0"},
    // Tables without transactions would keep the rows of a transaction that is rolled back.
    {"default_storage_engine", "InnoDB"},
    // As in TiDB: else a TIMESTAMP column is NOT NULL, and a NULL in it becomes the time of now.
    {"explicit_defaults_for_timestamp", "ON"},
    // Options of tables that TiDB reads and forgets, such as ROW_FORMAT = FIXED, are no errors.
    {"innodb_strict_mode", "OFF"},
}};

/// Modes that refuse or change values which exist upstream. TRADITIONAL stands for a set of others,
/// all of which the server also lists by themselves.
constexpr std::array<std::string_view, 6> kSurprisingModes = {
    "NO_ZERO_DATE", "NO_ZERO_IN_DATE",         "ERROR_FOR_DIVISION_BY_ZERO",
    "TRADITIONAL",  "PAD_CHAR_TO_FULL_LENGTH", "EMPTY_STRING_IS_NULL"};

/// Modes in which a text of TiDB's default mode means something else, and the names of sets of
/// them.
constexpr std::array<std::string_view, 14> kOtherSyntaxModes = {"ANSI",
                                                                "ANSI_QUOTES",
                                                                "PIPES_AS_CONCAT",
                                                                "IGNORE_SPACE",
                                                                "REAL_AS_FLOAT",
                                                                "ORACLE",
                                                                "HIGH_NOT_PRECEDENCE",
                                                                "DB2",
                                                                "MAXDB",
                                                                "MSSQL",
                                                                "MYSQL323",
                                                                "MYSQL40",
                                                                "POSTGRESQL",
                                                                "NO_BACKSLASH_ESCAPES"};

void erase_modes(std::vector<std::string_view>& parts, std::span<const std::string_view> modes) {
  std::erase_if(
      parts, [&](std::string_view part) { return std::ranges::find(modes, part) != modes.end(); });
}

std::vector<std::string_view> split_mode(std::string_view mode) {
  std::vector<std::string_view> parts;
  while (!mode.empty()) {
    const size_t comma = std::min(mode.find(','), mode.size());
    if (comma > 0) parts.push_back(mode.substr(0, comma));
    mode.remove_prefix(std::min(comma + 1, mode.size()));
  }
  return parts;
}

std::string join_mode(const std::vector<std::string_view>& parts) {
  std::string mode;
  for (const std::string_view part : parts) {
    if (!mode.empty()) mode.push_back(',');
    mode += part;
  }
  return mode;
}

Result<void> set_variable(Session& session, std::string_view name, std::string_view value) {
  std::string sql = fmt::format("SET SESSION {} = ", name);
  append_variable_value(sql, value, {.no_backslash_escapes = session.no_backslash_escapes()});
  TRY(session.execute(sql));
  return {};
}

/// The server's own value has to do.
Result<void> check_timestamps(Session& session, const Error& cause) {
  ASSIGN_OR_RETURN(const std::string value,
                   session.query_value(fmt::format("SELECT @@{}", kTimestampVariable)));
  if (value != "0") return {};
  log_warn(
      "the downstream makes TIMESTAMP columns NOT NULL, and the time of now of a NULL in them: set "
      "explicit_defaults_for_timestamp = ON in its configuration",
      {{"error", cause}});
  return {};
}

/// MySQL shows triggers only to those who may make some. A drainer that does not see them must not
/// write in other ways than the upstream did. False also where a role gives the privilege.
Result<bool> may_see_triggers(Session& session) {
  ASSIGN_OR_RETURN(const std::string version, session.query_value("SELECT VERSION()"));
  const auto is_of = [&](std::string_view name) { return version.find(name) != std::string::npos; };
  if (is_of("MariaDB") || is_of("TiDB")) return true;
  ASSIGN_OR_RETURN(
      const std::string count,
      session.query_value("SELECT (SELECT COUNT(*) FROM information_schema.user_privileges WHERE "
                          "privilege_type = 'TRIGGER') + (SELECT COUNT(*) FROM "
                          "information_schema.schema_privileges "
                          "WHERE privilege_type = 'TRIGGER') + (SELECT COUNT(*) FROM "
                          "information_schema.table_privileges WHERE privilege_type = 'TRIGGER')"));
  if (count != "0") return true;
  log_warn(
      "triggers of the downstream cannot be seen, so that tables are written row by row, which "
      "takes longer: GRANT TRIGGER ON *.* to the drainer's user");
  return false;
}

/// TiDB compares texts by their bytes unless a table says otherwise, and its DDL does not say so.
Result<void> warn_of_collation(Session& session) {
  ASSIGN_OR_RETURN(const std::string collation, session.query_value("SELECT @@collation_server"));
  if (collation.ends_with("_bin") || collation == "binary") return {};
  log_warn(
      "texts that differ upstream may be equal downstream, where a DDL names no collation: of rows "
      "whose keys are, the later one replaces the other; collation_server = utf8mb4_bin downstream "
      "prevents it",
      {{"collation_server", collation}});
  return {};
}

Result<std::map<std::string, std::string>> probe_variables(
    Session& session, const std::map<std::string, std::string>& params) {
  std::map<std::string, std::string> known;
  for (const auto& [name, value] : kDefaultVariables) {
    auto set = set_variable(session, name, value);
    if (set.ok()) {
      known[name] = value;
    } else if (name == kTimestampVariable && (set.error().detail() == kReadOnlyVariable ||
                                              set.error().detail() == kNeedsPrivilege)) {
      TRY(check_timestamps(session, set.error()));
    } else if (name == kStrictVariable && set.error().detail() == kNeedsPrivilege) {
      continue;  // New MySQL lets administrators only. Most texts need it not.
    } else if (set.error().detail() != kUnknownVariable) {
      return std::move(set).error().because("set session variable {}", name);
    }
  }
  for (const auto& [name, value] : params) {
    if (auto set = set_variable(session, name, value); !set.ok()) {
      return std::move(set).error().because("set session variable {} of params", name);
    }
    known[name] = value;
  }
  return known;
}

}  // namespace

std::string relax_sql_mode(std::string_view mode) {
  auto parts = split_mode(mode);
  std::erase_if(parts, [](std::string_view part) {
    return part == "STRICT_TRANS_TABLES" || part == "STRICT_ALL_TABLES" || part == "TRADITIONAL";
  });
  return join_mode(parts);
}

std::string ddl_sql_mode(const std::optional<std::string>& configured, std::string_view server_mode,
                         int64_t sync_mode) {
  std::string mode(configured ? std::string_view(*configured) : server_mode);
  if (sync_mode == kSyncModePartialColumns) mode = relax_sql_mode(mode);
  auto parts = split_mode(mode);
  std::erase(parts, "NO_BACKSLASH_ESCAPES");
  if (!configured) {
    erase_modes(parts, kOtherSyntaxModes);
    erase_modes(parts, kSurprisingModes);
  }
  return join_mode(parts);
}

std::string dml_sql_mode(const std::optional<std::string>& configured, std::string_view server_mode,
                         int64_t sync_mode) {
  std::string mode(configured ? std::string_view(*configured) : server_mode);
  if (sync_mode == kSyncModePartialColumns) mode = relax_sql_mode(mode);
  auto parts = split_mode(mode);
  const auto add = [&](std::string_view part) {
    if (std::ranges::find(parts, part) == parts.end()) parts.push_back(part);
  };
  if (!configured) {
    erase_modes(parts, kSurprisingModes);
    add("ALLOW_INVALID_DATES");
  }
  add("NO_AUTO_VALUE_ON_ZERO");
  return join_mode(parts);
}

SessionOptions base_session_options(const DownstreamOptions& to) {
  // As in the original, none and less are no limit.
  std::optional<std::chrono::seconds> read_timeout;
  if (to.read_timeout > std::chrono::nanoseconds(0)) {
    read_timeout = std::chrono::ceil<std::chrono::seconds>(to.read_timeout);
  }
  return {.host = to.host,
          .port = to.port,
          .user = to.user,
          .password = to.password,
          .security = to.security,
          .read_timeout = read_timeout,
          .variables = {}};
}

Result<Downstream> probe_downstream(const DownstreamOptions& to,
                                    const std::optional<std::string>& sql_mode) {
  Downstream found;
  found.dml = base_session_options(to);
  ASSIGN_OR_RETURN(const auto session, Session::open(found.dml));
  ASSIGN_OR_RETURN(const std::string server_mode,
                   session->query_value("SELECT @@SESSION.sql_mode"));
  ASSIGN_OR_RETURN(const std::string packet, session->query_value("SELECT @@max_allowed_packet"));
  found.max_allowed_packet = parse_whole<size_t>(packet).value_or(found.max_allowed_packet);
  ASSIGN_OR_RETURN(found.dml.variables, probe_variables(*session, to.params));
  ASSIGN_OR_RETURN(found.may_see_triggers, may_see_triggers(*session));
  TRY(warn_of_collation(*session));

  found.ddl = found.dml;
  found.ddl.read_timeout.reset();
  const std::string ddl_mode = ddl_sql_mode(sql_mode, server_mode, to.sync_mode);
  if (sql_mode || ddl_mode != server_mode) found.ddl.variables.try_emplace("sql_mode", ddl_mode);

  found.dml.variables.try_emplace("sql_mode", dml_sql_mode(sql_mode, server_mode, to.sync_mode));
  std::string& zone = found.dml.variables["time_zone"];
  if (zone.empty()) zone = "+00:00";
  ASSIGN_OR_RETURN(found.time_zone, tidb::TimeZone::load(zone));
  return found;
}

}  // namespace drainer::mysql
