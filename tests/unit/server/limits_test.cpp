#include "tests/unit/server/http_client.h"
#include "tests/unit/server/running_server.h"

#include <list>

#include <catch2/catch.hpp>

namespace drainer::test {

namespace {

using std::chrono::milliseconds;

constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

}  // namespace

TEST_CASE("limits: who does not complete a request in time is cut off") {
  RunningServer server({.tls = {}, .limits = {.request_time_max = milliseconds(200)}});
  const std::string beginnings[] = {
      "", "GE", "GET /status HTTP/1.1\r\nHost: d\r\nX: ",
      "PUT /state/a/b HTTP/1.1\r\nHost: d\r\nContent-Length: 9\r\n\r\na",
      std::string(kPreface).substr(0, 10)};
  for (const std::string& beginning : beginnings) {
    INFO(beginning);
    HttpClient client(server.port());
    client.send(beginning);
    CHECK(client.read_to_end().empty());
  }
  HttpClient good(server.port());
  CHECK(good.get("/status").status_line == "HTTP/1.1 200 OK");
}

TEST_CASE("limits: a byte now and then does not move the deadline") {
  RunningServer server({.tls = {}, .limits = {.request_time_max = milliseconds(300)}});
  HttpClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: d\r\n");
  // The header's limit would allow 16,000 more of them.
  int bytes = 0;
  do {
    client.send("a");
    ++bytes;
  } while (!client.closes_within(milliseconds(10)) && bytes < 1000);
  CHECK(bytes < 1000);
}

TEST_CASE("limits: an idle connection is closed, an HTTP/2 one too") {
  RunningServer server({.tls = {}, .limits = {.idle_time_max = milliseconds(200)}});
  HttpClient client(server.port());
  CHECK(client.get("/status").status_line == "HTTP/1.1 200 OK");
  CHECK(client.read_to_end().empty());
  HttpClient http2(server.port());
  http2.send(std::string(kPreface) + std::string("\0\0\0\4\0\0\0\0\0", 9));
  // SETTINGS of the server, its acknowledgement of ours, then the end.
  CHECK(http2.read_to_end().size() == 9 + 12 + 9);
}

TEST_CASE("limits: too long a header or body is refused") {
  RunningServer server;
  {
    HttpClient client(server.port());
    client.send("GET /status HTTP/1.1\r\nHost: d\r\nX: " + std::string(100000, 'a') + "\r\n\r\n");
    CHECK(client.read_to_end().starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
  }
  {
    HttpClient client(server.port());
    client.send("PUT /state/a/b HTTP/1.1\r\nHost: d\r\nContent-Length: 100000\r\n\r\n" +
                std::string(100000, 'a'));
    CHECK(client.read_to_end().starts_with("HTTP/1.1 413 "));
  }
  {
    HttpClient client(server.port());
    client.send("PUT /state/a/b HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 100; ++i) client.send("400\r\n" + std::string(1024, 'a') + "\r\n");
    CHECK(client.read_to_end().starts_with("HTTP/1.1 413 "));
  }
}

TEST_CASE("limits: when all places are taken the longest idle connection goes") {
  RunningServer server({.tls = {}, .limits = {.connections_max = 3}});
  std::list<HttpClient> clients;
  for (int i = 0; i < 5; ++i) {
    CHECK(clients.emplace_back(server.port()).get("/status").status_line == "HTTP/1.1 200 OK");
  }
  auto client = clients.begin();
  CHECK((client++)->read_to_end().empty());
  CHECK((client++)->read_to_end().empty());
  for (; client != clients.end(); ++client) {
    CHECK(client->get("/status").status_line == "HTTP/1.1 200 OK");
  }
}

TEST_CASE("limits: who does not read what was asked for is cut off") {
  RunningServer server({.tls = {}, .limits = {.write_time_max = milliseconds(200)}});
  HttpClient client(server.port());
  std::string requests;
  for (int i = 0; i < 2000; ++i) requests += "GET /metrics HTTP/1.1\r\nHost: d\r\n\r\n";
  SystemClock clock;
  const TimePoint begin = clock.now();
  // Far more answers than socket buffers hold; the write ends when the server gives up.
  for (int i = 0; i < 200; ++i) client.send(requests);
  CHECK(clock.now() < begin + std::chrono::seconds(15));
  HttpClient good(server.port());
  CHECK(good.get("/status").status_line == "HTTP/1.1 200 OK");
}

}  // namespace drainer::test
