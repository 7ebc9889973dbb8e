#include "syncer/mysql/session/session.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <cppconn/connection.h>
#include <cppconn/exception.h>
#include <cppconn/resultset.h>
#include <cppconn/resultset_metadata.h>
#include <cppconn/statement.h>
#include <mysql_connection.h>
#include <mysql_driver.h>

#include "drainer/base/parse_number.h"
#include "syncer/mysql/session/literal.h"
#include "syncer/mysql/session/session_socket.h"

namespace drainer::mysql {
namespace {

constexpr int kConnectTimeoutSeconds = 30;
/// The connector counts milliseconds in an int: 24 days.
constexpr std::chrono::seconds kReadTimeoutMax(std::numeric_limits<int>::max() / 1000);
constexpr int32_t kUnknownVariable = 1193;
constexpr int32_t kUnknownCharset = 1115;

constexpr int kTlsError = 2026;

/// Of the texts that Connector/C and OpenSSL give with kTlsError: what the peer's or our own
/// certificate is refused for, what the two ends cannot agree on. Such texts are "certificate has
/// expired", "self-signed certificate", "unable to get local issuer certificate", "Validation of
/// SSL server certificate failed", "tlsv1 alert unknown ca", "SSL is required, but the server does
/// not support it", "wrong version number". All others are connections that were cut: "Connection
/// reset by peer (104)", "unexpected eof while reading", "Connection timed out (110)".
constexpr std::array<std::string_view, 16> kTlsRefusals = {
    "certificate",       "Certificate",   "mismatch",    "unknown ca",
    "handshake failure", "access denied", "CRL",         "version",
    "no protocols",      "cipher",        "sigalg",      "unsupported",
    "key too",           "md too weak",   "not support", "fingerprint"};

bool is_refusal(std::string_view text) {
  return std::ranges::any_of(kTlsRefusals,
                             [&](std::string_view part) { return text.find(part) != text.npos; });
}

}  // namespace

ErrorCode session_error_code(int number, std::string_view text) {
  switch (number) {
    case 1044:
    case 1045:
    case 1130:
    case 1142:
    case 1143:
    case 1227:
    case 1698:
      return ErrorCode::kDenied;
    case kTlsError:
      return is_refusal(text) ? ErrorCode::kDenied : ErrorCode::kUnavailable;
    case 0:  // the connector's own complaints
      return ErrorCode::kInternal;
    default:
      return number >= 2000 && number < 3000 ? ErrorCode::kUnavailable : ErrorCode::kInvalid;
  }
}

namespace {

Error to_error(const sql::SQLException& e) {
  const int number = e.getErrorCode();
  return Error(session_error_code(number, e.what()), fmt::format("Error {}: {}", number, e.what()),
               number);
}

sql::SQLString text(std::string_view value) {
  return sql::SQLString(value.data(), value.size());
}

/// `tcp://host:port`; an IPv6 address gets its brackets.
std::string url_of(const SessionOptions& options) {
  const bool is_ipv6 = options.host.find(':') != std::string::npos && options.host.front() != '[';
  return is_ipv6 ? fmt::format("tcp://[{}]:{}", options.host, options.port)
                 : fmt::format("tcp://{}:{}", options.host, options.port);
}

/// All the connector's options in one place: it ignores misspelt names without a word. Never
/// OPT_SSL_MODE (no effect) nor OPT_RECONNECT (a silent new session in another state).
sql::ConnectOptionsMap connect_options(const SessionOptions& options) {
  sql::ConnectOptionsMap map;
  map["hostName"] = text(url_of(options));
  map["userName"] = text(options.user);
  map["password"] = text(options.password);
  map["CLIENT_MULTI_STATEMENTS"] = true;
  map["CLIENT_FOUND_ROWS"] = true;
  map["OPT_CONNECT_TIMEOUT"] = kConnectTimeoutSeconds;
  if (options.read_timeout) {
    map["OPT_READ_TIMEOUT"] =
        static_cast<int>(std::min(*options.read_timeout, kReadTimeoutMax).count());
  }
  const SecurityOptions& security = options.security;
  if (!security.ssl_ca.empty()) {
    map["sslCA"] = text(security.ssl_ca);
    map["sslVerify"] = true;
    map["sslEnforce"] = true;
    if (!security.ssl_cert.empty()) map["sslCert"] = text(security.ssl_cert);
    if (!security.ssl_key.empty()) map["sslKey"] = text(security.ssl_key);
  }
  return map;
}

}  // namespace

struct Session::Connection {
  std::unique_ptr<sql::Connection> connection;
  std::unique_ptr<sql::Statement> statement;
};

Session::Session(std::unique_ptr<Connection> connection, uint16_t port)
    : connection_(std::move(connection)), port_(port) {}
Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::open(const SessionOptions& options) {
  auto connection = std::make_unique<Connection>();
  try {
    sql::ConnectOptionsMap map = connect_options(options);
    connection->connection.reset(sql::mysql::get_driver_instance()->connect(map));
    connection->statement.reset(connection->connection->createStatement());
  } catch (const sql::SQLException& e) {
    return to_error(e).because("connect to {}:{} as {}", options.host, options.port, options.user);
  }
  keep_sockets_alive(options.port);
  std::unique_ptr<Session> session(
      new Session(std::move(connection), options.port));  // NOLINT: private
  if (auto prepared = session->prepare(options); !prepared.ok()) {
    return std::move(prepared).error().because("prepare a session on {}:{}", options.host,
                                               options.port);
  }
  return session;
}

Result<void> Session::prepare(const SessionOptions& options) {
  if (auto named = execute("SET NAMES utf8mb4"); !named.ok()) {
    if (named.error().detail() != kUnknownCharset) return std::move(named).error();
    TRY(execute("SET NAMES utf8"));
  }
  // The connector has set REPEATABLE READ; the server's own level is wanted. The variable's name
  // depends on the version.
  auto level = execute("SET SESSION transaction_isolation=@@global.transaction_isolation");
  if (!level.ok()) {
    if (level.error().detail() != kUnknownVariable) return std::move(level).error();
    TRY(execute("SET SESSION tx_isolation=@@global.tx_isolation"));
  }
  ASSIGN_OR_RETURN(const std::string initial_mode, query_value("SELECT @@SESSION.sql_mode"));
  no_backslash_escapes_ = initial_mode.find("NO_BACKSLASH_ESCAPES") != std::string::npos;
  TRY(set_variables(options.variables));
  ASSIGN_OR_RETURN(const auto state, query("SELECT id, host, @@SESSION.sql_mode, CONCAT(@@version, "
                                           "@@version_comment) FROM information_schema.processlist "
                                           "WHERE id = CONNECTION_ID()"));
  if (state.empty()) return make_error(ErrorCode::kInternal, "session is not in the process list");
  identity_.id = parse_whole<decltype(identity_.id)>(state[0][0].value_or("")).value_or(0);
  identity_.host = state[0][1].value_or("");
  no_backslash_escapes_ =
      state[0][2].value_or("").find("NO_BACKSLASH_ESCAPES") != std::string::npos;
  is_tidb_ = state[0][3].value_or("").find("TiDB") != std::string::npos;

  if (options.security.ssl_ca.empty()) return {};
  ASSIGN_OR_RETURN(const auto cipher, query("SHOW SESSION STATUS LIKE 'Ssl_cipher'"));
  if (cipher.empty() || cipher[0].at(1).value_or("").empty()) {
    return make_error(ErrorCode::kDenied, "ssl-ca is set but the session is not encrypted");
  }
  return {};
}

Result<void> Session::set_variables(const std::map<std::string, std::string>& variables) {
  if (variables.empty()) return {};
  std::string sql = "SET ";
  for (const auto& [name, value] : variables) {
    if (sql.size() > 4) sql.push_back(',');
    sql += name;
    sql.push_back('=');
    append_variable_value(sql, value, {.no_backslash_escapes = no_backslash_escapes_});
  }
  TRY(execute(sql));
  return {};
}

std::string SessionIdentity::condition() const {
  std::string text = fmt::format("id = {} AND host = ", id);
  append_quoted(text, host, {.no_backslash_escapes = true});
  return text;
}

Result<uint64_t> Session::execute(std::string_view sql) {
  try {
    const int count = connection_->statement->executeUpdate(text(sql));
    return static_cast<uint64_t>(std::max(count, 0));
  } catch (const sql::SQLException& e) {
    return to_error(e);
  }
}

Result<std::vector<ResultRow>> Session::query(std::string_view sql) {
  try {
    const std::unique_ptr<sql::ResultSet> result(connection_->statement->executeQuery(text(sql)));
    const uint32_t columns = result->getMetaData()->getColumnCount();
    std::vector<ResultRow> rows;
    while (result->next()) {
      ResultRow& row = rows.emplace_back(columns);
      for (uint32_t i = 0; i < columns; ++i) {
        const sql::SQLString value = result->getString(i + 1);
        if (!result->isNull(i + 1)) row[i] = value.asStdString();
      }
    }
    return rows;
  } catch (const sql::SQLException& e) {
    return to_error(e);
  }
}

Result<std::string> Session::query_value(std::string_view sql) {
  ASSIGN_OR_RETURN(auto rows, query(sql));
  if (rows.empty() || rows[0].empty()) {
    return make_error(ErrorCode::kNotFound, "no row in the answer to {}", sql);
  }
  return std::move(rows[0][0]).value_or("");
}

bool Session::abort() const {
  return shut_down_socket(identity_, port_);
}

Result<void> Session::rollback() {
  TRY(execute("ROLLBACK"));
  return {};
}

}  // namespace drainer::mysql
