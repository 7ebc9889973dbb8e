#include "syncer/mysql/session/session.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "drainer/base/threads.h"
#include "syncer/mysql/session/downstream.h"
#include "syncer/mysql/session/failure.h"
#include "tests/fakes/tcp_proxy.h"
#include "tests/unit/mysql/sample.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using namespace sample;
using fakes::MariadbServer;

DownstreamOptions to_of(uint16_t port) {
  return sink_options(port).syncer.to;
}

std::string value(Session& session, const std::string& sql) {
  auto result = session.query_value(sql);
  return result.ok() ? *result : result.error().to_string();
}

std::unique_ptr<Session> open(const SessionOptions& options) {
  auto session = Session::open(options);
  if (!session.ok()) FAIL(session.error().to_string());
  return std::move(session).value();
}

TEST_CASE("downstream: strict modes are taken out for partial columns") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE",
       "ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE"},
      {"ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE,STRICT_TRANS_TABLES",
       "ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE"},
      {"STRICT_TRANS_TABLES", ""},
      {"STRICT_ALL_TABLES,ANSI_QUOTES", "ANSI_QUOTES"},
      {"ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE", "ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE"},
  };
  for (const auto& [before, after] : cases) CHECK(relax_sql_mode(before) == after);
}

TEST_CASE("downstream: the mode for rows accepts what exists upstream") {
  CHECK(dml_sql_mode(std::nullopt, "STRICT_TRANS_TABLES,NO_ZERO_DATE,EMPTY_STRING_IS_NULL", 0) ==
        "STRICT_TRANS_TABLES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO");
  CHECK(dml_sql_mode("NO_ZERO_DATE", "STRICT_TRANS_TABLES", 0) ==
        "NO_ZERO_DATE,NO_AUTO_VALUE_ON_ZERO");
  CHECK(dml_sql_mode("", "STRICT_TRANS_TABLES", 0) == "NO_AUTO_VALUE_ON_ZERO");
  CHECK(dml_sql_mode("STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO", "", 2) == "NO_AUTO_VALUE_ON_ZERO");
  CHECK(ddl_sql_mode("ANSI_QUOTES,NO_BACKSLASH_ESCAPES", "", 0) == "ANSI_QUOTES");
  CHECK(ddl_sql_mode(std::nullopt,
                     "REAL_AS_FLOAT,PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ANSI,"
                     "STRICT_TRANS_TABLES,NO_ZERO_DATE",
                     0) == "STRICT_TRANS_TABLES");
  CHECK(ddl_sql_mode(std::nullopt, "STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY", 2) ==
        "ONLY_FULL_GROUP_BY");
}

TEST_CASE("session: has the effects that its options promise", "[mariadb]") {
  REQUIRE_MARIADB();
  const uint16_t port = MariadbServer::shared().port();
  Inspector db(port);
  db.reset("test");
  db.run("SET GLOBAL tx_isolation='READ-COMMITTED'");
  db.run("SET GLOBAL time_zone='+05:00'");
  auto downstream = probe_downstream(to_of(port), std::nullopt);
  REQUIRE(downstream.ok());
  const auto dml = open(downstream->dml);
  const auto ddl = open(downstream->ddl);
  db.run("SET GLOBAL tx_isolation='REPEATABLE-READ'");
  db.run("SET GLOBAL time_zone='SYSTEM'");

  CHECK(value(*dml, "SELECT @@tx_isolation") == "READ-COMMITTED");
  CHECK(value(*dml, "SELECT @@time_zone") == "+00:00");
  CHECK(value(*ddl, "SELECT @@time_zone") == "+05:00");
  CHECK(value(*dml, "SELECT @@character_set_client") == "utf8mb4");
  CHECK(value(*dml, "SELECT @@foreign_key_checks") == "0");
  CHECK(value(*dml, "SELECT @@autocommit") == "1");
  CHECK(value(*dml, "SELECT @@sql_mode") ==
        "NO_AUTO_VALUE_ON_ZERO,STRICT_TRANS_TABLES,ALLOW_INVALID_DATES,NO_AUTO_CREATE_USER,"
        "NO_ENGINE_SUBSTITUTION");
  CHECK(value(*ddl, "SELECT @@sql_mode") ==
        "STRICT_TRANS_TABLES,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION");
  CHECK(value(*ddl, "SELECT @@default_storage_engine") == "InnoDB");
  CHECK(downstream->max_allowed_packet == 16777216);
  CHECK(value(*dml, "SELECT CONNECTION_ID()") == std::to_string(dml->identity().id));

  db.run("CREATE TABLE test.f(a INT)");
  db.run("INSERT INTO test.f VALUES(1)");
  auto matched = dml->execute("UPDATE test.f SET a = 1");
  REQUIRE(matched.ok());
  CHECK(*matched == 1);
}

TEST_CASE("downstream: a TiDB is told not to repeat transactions without their guards",
          "[mariadb]") {
  REQUIRE_MARIADB();
  fakes::TcpProxy proxy(MariadbServer::shared().port());
  proxy.arm(fakes::TcpProxy::Cut::kRequest, "SET SESSION tidb_disable_txn_auto_retry = 1");
  CHECK_FALSE(probe_downstream(to_of(proxy.port()), std::nullopt).ok());
  CHECK(proxy.cuts() == 1);
}

TEST_CASE("session: of read-timeout 0 is no limit, and a long one is no short one", "[mariadb]") {
  DownstreamOptions to;
  to.read_timeout = std::chrono::milliseconds(1);
  CHECK(base_session_options(to).read_timeout == std::chrono::seconds(1));
  to.read_timeout = std::chrono::nanoseconds(0);
  CHECK(base_session_options(to).read_timeout == std::nullopt);
  // In 32 bits of milliseconds these would be 704 ms.
  SessionOptions options = root_session(MariadbServer::shared().port());
  options.read_timeout = std::chrono::seconds(4'294'968);
  CHECK(Session::open(options).value()->query("SELECT SLEEP(1)").ok());
}

TEST_CASE("session: params and a configured sql_mode are obeyed", "[mariadb]") {
  REQUIRE_MARIADB();
  const uint16_t port = MariadbServer::shared().port();
  DownstreamOptions to = to_of(port);
  to.params = {{"time_zone", "+08:00"},
               {"foreign_key_checks", "ON"},
               {"collation_connection", "utf8mb4_bin"}};
  auto downstream = probe_downstream(to, "NO_BACKSLASH_ESCAPES");
  REQUIRE(downstream.ok());
  CHECK(downstream->time_zone.offset_at(0) == 8 * 3600);
  const auto dml = open(downstream->dml);
  CHECK(value(*dml, "SELECT @@foreign_key_checks") == "1");
  CHECK(value(*dml, "SELECT @@collation_connection") == "utf8mb4_bin");
  CHECK(value(*dml, "SELECT @@sql_mode") == "NO_AUTO_VALUE_ON_ZERO,NO_BACKSLASH_ESCAPES");
  CHECK(dml->no_backslash_escapes());
  CHECK_FALSE(open(downstream->ddl)->no_backslash_escapes());

  to.params = {{"time_zone", "SYSTEM"}};
  auto system = probe_downstream(to, std::nullopt);
  REQUIRE_FALSE(system.ok());
  CHECK(system.error().to_string() == "'SYSTEM' or 'Local' time_zone is not supported");
  to.params = {{"no_such_variable", "1"}};
  auto unknown = probe_downstream(to, std::nullopt);
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().detail() == 1193);
}

TEST_CASE("session: an error carries its number and never the password", "[mariadb]") {
  REQUIRE_MARIADB();
  SessionOptions options = root_session(MariadbServer::shared().port());
  options.password = "s3cret-word";
  auto refused = Session::open(options);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().detail() == 1045);
  CHECK(refused.error().code() == ErrorCode::kDenied);
  CHECK(refused.error().to_string().find("s3cret-word") == std::string::npos);

  options.port = static_cast<uint16_t>(fakes::free_port());
  auto unreachable = Session::open(options);
  REQUIRE_FALSE(unreachable.ok());
  CHECK(unreachable.error().code() == ErrorCode::kUnavailable);
  CHECK(unreachable.error().to_string().find("s3cret-word") == std::string::npos);
}

TEST_CASE("session: an error stops the packet and leaves the transaction open", "[mariadb]") {
  REQUIRE_MARIADB();
  const uint16_t port = MariadbServer::shared().port();
  Inspector db(port);
  db.reset("test");
  db.run("CREATE TABLE p(a INT PRIMARY KEY)");
  const auto session = open(root_session(port));
  auto failed = session->execute(
      "START TRANSACTION;INSERT INTO test.p VALUES(1);INSERT INTO test.p VALUES(1);COMMIT");
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().detail() == 1062);
  CHECK(value(*session, "SELECT COUNT(*) FROM test.p") == "1");
  REQUIRE(session->rollback().ok());
  CHECK(value(*session, "SELECT COUNT(*) FROM test.p") == "0");
}

TEST_CASE("session: under TLS a cut connection is told from a refused one") {
  const std::string before = "TLS/SSL error: ";
  for (const char* text :
       {"certificate has expired", "self-signed certificate in certificate chain",
        "unable to get local issuer certificate", "Validation of SSL server certificate failed",
        "tlsv1 alert unknown ca", "tlsv13 alert certificate required", "wrong version number",
        "SSL is required, but the server does not support it", "tlsv1 alert protocol version",
        "legacy sigalg disallowed or unsupported", "sslv3 alert handshake failure",
        "IP address mismatch", "unsupported protocol"}) {
    CAPTURE(text);
    CHECK(session_error_code(2026, before + text) == ErrorCode::kDenied);
  }
  for (const char* text :
       {"Connection reset by peer (104)", "unexpected eof while reading", "Broken pipe (32)",
        "Connection timed out (110)", "tlsv1 alert internal error", "protocol is shutdown"}) {
    CAPTURE(text);
    CHECK(session_error_code(2026, before + text) == ErrorCode::kUnavailable);
  }
}

TEST_CASE("session: one that is cut in the TLS handshake is lost, not refused", "[mariadb]") {
  REQUIRE_MARIADB();
  MariadbServer& server = MariadbServer::shared();
  using Cut = fakes::TcpProxy::Cut;
  fakes::TcpProxy proxy(server.port());
  SessionOptions options = root_session(proxy.port());
  options.security.ssl_ca = server.ca_file();
  for (const Cut cut : {Cut::kRequest, Cut::kAnswer}) {
    proxy.arm(cut, "\x16\x03\x01");  // how the client's first message begins
    auto lost = Session::open(options);
    REQUIRE_FALSE(lost.ok());
    INFO(lost.error().to_string());
    CHECK(is_lost(lost.error()));
  }
  CHECK(proxy.cuts() == 2);
  CHECK(Session::open(options).ok());
}

TEST_CASE("session: abort ends what another thread waits for", "[mariadb]") {
  REQUIRE_MARIADB();
  SystemClock clock;
  const auto session = open(root_session(MariadbServer::shared().port()));
  const auto other = open(root_session(MariadbServer::shared().port()));
  ThreadGroup threads;
  threads.start("abort", [&](const StopToken& stop) -> Result<void> {
    while (session->abort() && clock.sleep_for(std::chrono::milliseconds(20), stop)) {
    }
    return {};
  });
  const TimePoint begin = clock.now();
  auto slept = session->query("SELECT SLEEP(60)");
  threads.request_stop();
  CHECK(threads.wait().ok());
  REQUIRE_FALSE(slept.ok());
  CHECK(is_lost(slept.error()));
  CHECK(clock.now() - begin < std::chrono::seconds(30));
  CHECK(value(*other, "SELECT 1") == "1");
}

// A connection that says nothing for hours must not stay when the other side has gone.
TEST_CASE("session: TCP looks after silent connections", "[mariadb]") {
  REQUIRE_MARIADB();
  const uint16_t port = MariadbServer::shared().port();
  const auto session = open(root_session(port));
  int found = 0;
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (peer.sin_family != AF_INET || ntohs(peer.sin_port) != port) continue;
    ++found;
    for (const auto& [option, wanted] :
         {std::pair(TCP_KEEPIDLE, 60), {TCP_KEEPINTVL, 10}, {TCP_KEEPCNT, 9}}) {
      int value = 0;
      socklen_t value_size = sizeof value;
      CHECK(::getsockopt(fd, IPPROTO_TCP, option, &value, &value_size) == 0);
      CHECK(value == wanted);
    }
  }
  CHECK(found > 0);
}

TEST_CASE("session: TLS encrypts, and checks authority and host", "[mariadb]") {
  REQUIRE_MARIADB();
  MariadbServer& server = MariadbServer::shared();
  SessionOptions options = root_session(server.port());
  options.security.ssl_ca = server.ca_file();
  const auto session = open(options);
  auto cipher = session->query("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
  REQUIRE(cipher.ok());
  CHECK((*cipher)[0][1].value_or("") != "");

  options.security.ssl_ca = server.other_ca_file();
  CHECK_FALSE(Session::open(options).ok());
  options.security.ssl_ca = server.ca_file();
  options.host = "localhost";  // not named in the certificate
  CHECK_FALSE(Session::open(options).ok());
  options.security.ssl_ca = "/no/such/file";
  options.host = "127.0.0.1";
  CHECK_FALSE(Session::open(options).ok());
}

}  // namespace
}  // namespace drainer::mysql
