#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/options.h"
#include "drainer/base/result.h"

namespace drainer::mysql {

/// How to connect, and the state every connection starts with (spec/mysql-sink.md 1.2, 1.3).
struct SessionOptions {
  std::string host;
  uint16_t port = 3306;
  std::string user;
  std::string password;  ///< never in any error text or log line
  SecurityOptions security;
  /// Limit of one read from the socket; nothing for connections that run DDL.
  std::optional<std::chrono::seconds> read_timeout;
  /// `SET SESSION` on each connect; values as text.
  std::map<std::string, std::string> variables;
};

/// How the connector has failed, told by its number and, since it has but one number for all that
/// goes wrong under TLS, by its text: kDenied only for what another try cannot mend.
ErrorCode session_error_code(int number, std::string_view text);

/// Errors of the client side that end a connection; Error::detail() of such an Error.
inline constexpr int32_t kServerGone = 2006;
inline constexpr int32_t kServerLost = 2013;

/// Tells one connection from all others, also across restarts of the server, which reuse numbers.
struct SessionIdentity {
  uint64_t id = 0;   ///< the server's number, for KILL
  std::string host;  ///< client address and port as the server sees them

  /// A condition on information_schema.processlist.
  std::string condition() const;
};

/// One value of a result; nothing for NULL.
using Field = std::optional<std::string>;
using ResultRow = std::vector<Field>;

/// One connection to a MySQL, MariaDB or TiDB server: text protocol, several statements in a
/// packet, matched rows as counts (CLIENT_FOUND_ROWS), autocommit, the server's own isolation
/// level.
///
/// One thread. After an error inside a transaction the caller rolls back or drops the session.
/// Errors carry the server's text, its number in detail(), and never the password.
class Session {
 public:
  static Result<std::unique_ptr<Session>> open(const SessionOptions& options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Runs one statement or several separated by `;`, none of which returns rows. The count of the
  /// last one. An error stops the packet where it happens and leaves an open transaction open.
  Result<uint64_t> execute(std::string_view sql);
  /// Runs one statement that returns rows.
  Result<std::vector<ResultRow>> query(std::string_view sql);
  /// The first field of the first row; kNotFound without a row, the empty text for NULL.
  Result<std::string> query_value(std::string_view sql);

  /// ROLLBACK. If it fails, the session must be dropped.
  Result<void> rollback();

  /// Ends what another thread waits for in this session, which is lost then. False where its socket
  /// is not to be found (session_socket.h). Any thread.
  bool abort() const;

  const SessionIdentity& identity() const { return identity_; }
  /// True when the session's sql_mode makes a backslash an ordinary character.
  bool no_backslash_escapes() const { return no_backslash_escapes_; }
  bool is_tidb() const { return is_tidb_; }

 private:
  struct Connection;
  Session(std::unique_ptr<Connection> connection, uint16_t port);
  Result<void> prepare(const SessionOptions& options);
  Result<void> set_variables(const std::map<std::string, std::string>& variables);

  std::unique_ptr<Connection> connection_;
  const uint16_t port_;  ///< of the server
  SessionIdentity identity_;
  bool no_backslash_escapes_ = false;
  bool is_tidb_ = false;
};

}  // namespace drainer::mysql
