#include "drainer/server/server.h"

#include "tests/unit/rpc/test_ca.h"
#include "tests/unit/server/http_client.h"
#include "tests/unit/server/recorded.h"
#include "tests/unit/server/running_server.h"

#include <cstdlib>
#include <ctime>

#include <catch2/catch.hpp>

namespace drainer::test {

namespace {

// A header as recorded, up to the date.
std::string header_of(const std::string& answer) {
  std::string header = answer.substr(0, answer.find("\r\n\r\n") + 4);
  const size_t date = header.find("Date: ") + 6;
  return header.replace(date, header.find('\r', date) - date, "*");
}

std::string render(const HttpReply& reply) {
  std::string out = reply.status_line + "\r\n";
  for (const auto& [name, value] : reply.fields) out += name + ": " + value + "\r\n";
  return out + "\r\n" + reply.body;
}

std::shared_ptr<const rpc::TlsContext> open_tls(rpc::TlsOptions options) {
  auto tls = rpc::TlsContext::open(std::move(options));
  REQUIRE(tls.ok());
  return *tls;
}

}  // namespace

TEST_CASE("http: answers are the recorded ones, header fields and their order included") {
  RunningServer server;
  HttpClient client(server.port());
  const auto same = [](const std::string& file, const HttpReply& reply) {
    const auto expected = recorded(file);
    if (!expected) return;
    INFO(file);
    CHECK(header_of(render(reply)) == header_of(*expected));
    CHECK(reply.body == body_of(*expected));
  };
  same("status.txt", client.get("/status"));
  same("commit_ts.txt", client.get("/commit_ts"));
  same("unknown_path.txt", client.get("/nowhere"));
  client.ask("PUT", "/state/other/pause");
  same("state_wrong_node.txt", client.read_reply());
  // What does not have the form of a date reads as no time at all.
  std::tm date{};
  const std::string text = client.get("/status").field("Date");
  const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  REQUIRE(end != nullptr);
  CHECK(*end == '\0');
  CHECK(std::abs(::timegm(&date) - std::time(nullptr)) < 60);
}

TEST_CASE("http: an action comes once, then the node is no longer online") {
  RunningServer server;
  HttpClient client(server.port());
  client.ask("PUT", "/state/drainer-1/pause");
  CHECK(client.read_reply().body == server::action_document("apply action pause success!", true));
  client.ask("PUT", "/state/drainer-1/close");
  CHECK(client.read_reply().body ==
        server::action_document("this pump's state is pausing, apply close failed!", false));
  CHECK(server.pauses == 1);
  CHECK(server.closes == 0);
}

TEST_CASE("http: many requests may come in one packet and are answered in order") {
  RunningServer server;
  HttpClient client(server.port());
  std::string all;
  for (int i = 0; i < 100; ++i) {
    all += i % 2 == 0 ? "GET /status HTTP/1.1\r\nHost: d\r\n\r\n"
                      : "PUT /state/x/y HTTP/1.1\r\nHost: d\r\nContent-Length: 3\r\n\r\nabc";
  }
  client.send(all);
  for (int i = 0; i < 100; ++i) {
    CHECK((client.read_reply().body[1] == '"') == (i % 2 == 0));
  }
}

TEST_CASE("http: a request may come byte by byte and chunked") {
  RunningServer server;
  HttpClient client(server.port());
  const std::string text =
      "PUT /state/x/y HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (const char c : text) client.send(std::string(1, c));
  CHECK(client.read_reply().status_line == "HTTP/1.1 200 OK");
  client.send(
      "PUT /state/x/y HTTP/1.1\r\nHost: d\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.read_reply().status_line == "HTTP/1.1 100 Continue");
  client.send("a");
  CHECK(client.read_reply().status_line == "HTTP/1.1 200 OK");
}

TEST_CASE("http: the connection ends when the client wants it or speaks HTTP/1.0") {
  RunningServer server;
  {
    HttpClient client(server.port());
    client.send("GET /status HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
    const std::string answer = client.read_to_end();
    CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
  }
  {
    HttpClient client(server.port());
    client.send("GET /status HTTP/1.0\r\n\r\n");
    CHECK(client.read_to_end().starts_with("HTTP/1.0 200 OK\r\n"));
  }
  HttpClient client(server.port());
  client.send("GET /status HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(client.read_reply().field("Connection") == "keep-alive");
  CHECK(client.get("/status").status_line == "HTTP/1.1 200 OK");
}

TEST_CASE("http: HEAD and other methods get no body") {
  RunningServer server;
  HttpClient client(server.port());
  client.ask("HEAD", "/metrics");
  const HttpReply metrics = client.read_reply(/*head=*/true);
  CHECK(metrics.status_line == "HTTP/1.1 200 OK");
  CHECK(metrics.field("Content-Length") != "0");
  client.ask("HEAD", "/status");
  const HttpReply status = client.read_reply(/*head=*/true);
  CHECK(status.status_line == "HTTP/1.1 405 Method Not Allowed");
  CHECK(status.field("Content-Length") == "0");
}

TEST_CASE("http: what is no request is refused and the connection ends") {
  RunningServer server;
  const std::pair<std::string, std::string> cases[] = {
      {"GET /status HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
      {"GET /status\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
      {"GETX\x01 /status HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
      {"PUT / HTTP/1.1\r\nHost: d\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
      {"SSH-2.0-client\r\n", ""},
      {std::string("\x16\x03\x01\x02\x00\x01", 6), ""},
      {"PRI * HTTP/1.1\r\n", ""},
  };
  for (const auto& [request, answer] : cases) {
    INFO(request);
    HttpClient client(server.port());
    client.send(request);
    const std::string got = client.read_to_end();
    if (answer.empty()) {
      CHECK(got.empty());
    } else {
      CHECK(got.starts_with(answer));
    }
  }
}

TEST_CASE("http: TLS comes first, with a client certificate only if names are demanded") {
  const rpc::TemporaryDirectory directory;
  const rpc::TestCa ca(directory, "ca");
  const auto mine = ca.issue("binlog", "IP:127.0.0.1");
  const auto stranger = ca.issue("stranger", "IP:127.0.0.1");
  const auto options = [&](const rpc::TestCa::Certificate* certificate,
                           std::vector<std::string> names) {
    return rpc::TlsOptions{.ca_file = ca.file(),
                           .cert_file = certificate ? certificate->certificate_file : "",
                           .key_file = certificate ? certificate->key_file : "",
                           .allowed_common_names = std::move(names),
                           .offers_http2 = false};
  };
  const auto anonymous = open_tls(options(nullptr, {}));
  const auto named = open_tls(options(&mine, {}));
  const auto other = open_tls(options(&stranger, {}));
  const auto answer = [](const RunningServer& server, const rpc::TlsContext* tls) {
    HttpClient client(server.port(), tls);
    client.send("GET /status HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
    const std::string text = client.read_to_end();
    return text.substr(0, text.find('\r'));
  };
  const RunningServer open({.tls = open_tls(options(&mine, {}))});
  CHECK(answer(open, anonymous.get()) == "HTTP/1.1 200 OK");
  CHECK(answer(open, other.get()) == "HTTP/1.1 200 OK");
  CHECK(answer(open, nullptr).empty());

  const RunningServer strict({.tls = open_tls(options(&mine, {"binlog"}))});
  CHECK(answer(strict, named.get()) == "HTTP/1.1 200 OK");
  CHECK(answer(strict, anonymous.get()).empty());
  CHECK(answer(strict, other.get()).empty());
}

TEST_CASE("http: connections are refused until the port is served, not left without answer") {
  SystemClock clock;
  const auto connects_to = [&](uint16_t port) {
    const rpc::IoLimits limits{
        .clock = clock, .deadline = clock.now() + std::chrono::seconds(20), .stop = StopToken()};
    return rpc::Socket::connect({.host = "127.0.0.1", .port = port, .tls = nullptr}, limits).ok();
  };
  auto server = server::Server::open({.addr = "127.0.0.1:0", .node_id = "x", .tls = {}}, {}, clock,
                                     StopToken());
  REQUIRE(server.ok());
  const uint16_t port = (*server)->port();
  CHECK_FALSE(connects_to(port));
  // Somebody else who has bound it as well.
  auto rival =
      server::Server::open({.addr = fmt::format("127.0.0.1:{}", port), .node_id = "y", .tls = {}},
                           {}, clock, StopToken());
  REQUIRE(rival.ok());
  ThreadGroup threads;
  REQUIRE((*server)->start(threads).ok());
  CHECK(connects_to(port));
  const auto late = (*rival)->start(threads);
  REQUIRE_FALSE(late.ok());
  CHECK_THAT(late.error().to_string(), Catch::EndsWith("listen: address already in use"));
  threads.request_stop();
  CHECK(threads.wait().ok());
}

TEST_CASE("http: a port in use and TLS without a certificate are told at open") {
  SystemClock clock;
  const RunningServer first;
  const auto second = server::Server::open({.addr = first.address(), .node_id = "x", .tls = {}}, {},
                                           clock, StopToken());
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().to_string() == "fail to start tcp on " + first.address() + ": listen tcp " +
                                          first.address() + ": bind: address already in use");

  const rpc::TemporaryDirectory directory;
  const rpc::TestCa ca(directory, "ca");
  const auto no_certificate = server::Server::open(
      {.addr = "127.0.0.1:0",
       .node_id = "x",
       .tls = open_tls(
           {.ca_file = ca.file(), .cert_file = "", .key_file = "", .allowed_common_names = {}})},
      {}, clock, StopToken());
  REQUIRE_FALSE(no_certificate.ok());
  CHECK(no_certificate.error().to_string() ==
        "fail to start tcp on 127.0.0.1:0: tls: neither Certificates, GetCertificate, nor "
        "GetConfigForClient set in Config");
}

}  // namespace drainer::test
