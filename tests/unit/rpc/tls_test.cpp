#include "drainer/rpc/tls.h"

#include "drainer/rpc/grpc_client.h"

#include "scripted_server.h"
#include "stock_server.h"
#include "test_ca.h"

#include <openssl/ssl.h>

#include <catch2/catch.hpp>

namespace drainer::rpc {

namespace {

using std::chrono::seconds;

constexpr std::string_view kMethod = "/test.Echo/Echo";

ServerStatus echo(const std::string&, ServerCall& call) {
  if (auto message = call.read()) (void)call.write(*message);
  return {};
}

/// What the tests share: making keys is slow.
struct Pki {
  TemporaryDirectory directory;
  TestCa ca{directory, "test-ca"};
  TestCa other_ca{directory, "other-ca"};
  TestCa::Certificate server = ca.issue("pump", "DNS:localhost,IP:127.0.0.1");
  TestCa::Certificate client = ca.issue("drainer", "");
  TestCa::Certificate foreign_client = other_ca.issue("drainer", "");

  TlsOptions options() const {
    return {.ca_file = ca.file(),
            .cert_file = client.certificate_file,
            .key_file = client.key_file,
            .allowed_common_names = {}};
  }
};

const Pki& pki() {
  static const Pki made;
  return made;
}

StockServer::Options server_options(const TestCa::Certificate& certificate) {
  return {.certificate = read_file(certificate.certificate_file),
          .key = read_file(certificate.key_file),
          .client_ca = read_file(pki().ca.file())};
}

Result<Bytes> call(GrpcTarget target, TlsOptions options, ByteView request = "hello") {
  ASSIGN_OR_RETURN(target.tls, TlsContext::open(std::move(options)));
  SystemClock clock;
  return GrpcChannel::create(target, clock)->unary(kMethod, request, seconds(60), StopToken());
}

/// The protocol that our own port chooses of those offered, in the form of ALPN.
std::string choose_alpn(std::string_view offered) {
  TlsOptions options = pki().options();
  options.cert_file = pki().server.certificate_file;
  options.key_file = pki().server.key_file;
  const auto tls = TlsContext::open(std::move(options));
  REQUIRE(tls.ok());
  const auto client_context = (*tls)->make_client_context();
  const auto server_context = (*tls)->make_server_context();
  REQUIRE((client_context.ok() && server_context.ok()));
  const std::unique_ptr<SSL, decltype(&SSL_free)> client(SSL_new(client_context->get()), SSL_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> server(SSL_new(server_context->get()), SSL_free);
  SSL_set_alpn_protos(client.get(), reinterpret_cast<const unsigned char*>(offered.data()),
                      static_cast<unsigned>(offered.size()));
  BIO* near = nullptr;
  BIO* far = nullptr;
  REQUIRE(BIO_new_bio_pair(&near, 0, &far, 0) == 1);
  SSL_set_bio(client.get(), near, near);
  SSL_set_bio(server.get(), far, far);
  for (int turn = 0; turn < 10 && SSL_connect(client.get()) != 1; ++turn) {
    (void)SSL_accept(server.get());
  }
  REQUIRE(SSL_is_init_finished(client.get()) == 1);
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(client.get(), &chosen, &size);
  return {reinterpret_cast<const char*>(chosen), size};
}

void answer_hello(RawPeer& peer) {
  (void)peer.read_preface();
  (void)peer.read_frame(kData);
  peer.write(to_bytes({kSettings, 0, 0, {}}) + to_bytes({kSettings, kAck, 0, {}}) +
             answer_headers() + answer_message("hello") + answer_trailers("0"));
}

}  // namespace

TEST_CASE("tls: a good server is talked to, by address and by name") {
  const StockServer server(echo, server_options(pki().server));
  for (const std::string_view host : {"127.0.0.1", "localhost"}) {
    GrpcTarget target = server.target();
    target.host = host;
    const auto answer = call(target, pki().options());
    if (!answer.ok()) FAIL(answer.error().to_string());
    CHECK(*answer == "hello");
  }
  const Bytes large(20 << 20, 'x');
  const auto answer = call(server.target(), pki().options(), large);
  REQUIRE(answer.ok());
  CHECK((*answer == large));
}

TEST_CASE("tls: a server without ALPN is talked to, as pumps are") {
  const ScriptedServer server({answer_hello}, {.certificate_file = pki().server.certificate_file,
                                               .key_file = pki().server.key_file});
  const auto answer = call(server.target(), pki().options());
  if (!answer.ok()) FAIL(answer.error().to_string());
  CHECK(*answer == "hello");
}

TEST_CASE("tls: our port speaks HTTP/1.1 with whoever knows it, HTTP/2 with gRPC clients") {
  CHECK(choose_alpn("\x02h2\x08http/1.1") == "http/1.1");
  CHECK(choose_alpn("\x08http/1.1") == "http/1.1");
  CHECK(choose_alpn("\x02h2") == "h2");
  CHECK(choose_alpn("\x06spdy/1").empty());
}

TEST_CASE("tls: a server with the wrong certificate is refused") {
  struct Case {
    std::string name;
    TestCa::Certificate certificate;
    std::string reason;
  };
  const Case cases[] = {
      {"other host", pki().ca.issue("other-host", "DNS:other,IP:127.0.0.2"), "IP address mismatch"},
      {"host in the CN only", pki().ca.issue("127.0.0.1", ""), "IP address mismatch"},
      {"other CA", pki().other_ca.issue("pump", "DNS:localhost,IP:127.0.0.1"),
       "unable to get local issuer certificate"},
  };
  for (const Case& wrong : cases) {
    const StockServer server(echo, server_options(wrong.certificate));
    const auto answer = call(server.target(), pki().options());
    INFO(wrong.name);
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().code() == ErrorCode::kDenied);
    CHECK(answer.error().text() == "tls: server certificate: " + wrong.reason);
  }
  const StockServer server(echo, server_options(pki().ca.issue("localhost", "DNS:*.test,IP:::1")));
  GrpcTarget target = server.target();
  target.host = "localhost";
  const auto answer = call(target, pki().options());
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().text() == "tls: server certificate: hostname mismatch");
}

TEST_CASE("tls: an allowed common name may be anywhere in the chain") {
  const StockServer server(echo, server_options(pki().server));
  TlsOptions options = pki().options();
  for (const std::string name : {"pump", " pump ", "test-ca"}) {
    options.allowed_common_names = {"someone", name};
    const auto answer = call(server.target(), options);
    INFO(name);
    CHECK(answer.ok());
  }
  options.allowed_common_names = {"someone", "other"};
  const auto answer = call(server.target(), options);
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code() == ErrorCode::kDenied);
  CHECK(answer.error().text() ==
        "client certificate authentication failed. The Common Name from the client certificate "
        "[pump test-ca] was not found in the configuration cluster-verify-cn with value: [someone "
        "other]");
}

TEST_CASE("tls: the client's certificate is read again for each connection") {
  const StockServer server(echo, server_options(pki().server));
  TlsOptions options = pki().options();
  options.cert_file = pki().directory.path("rotated.pem");
  options.key_file = pki().directory.path("rotated.key");
  const auto rotate_to = [&](const TestCa::Certificate& certificate) {
    write_file(options.cert_file, read_file(certificate.certificate_file));
    write_file(options.key_file, read_file(certificate.key_file));
  };
  rotate_to(pki().foreign_client);
  GrpcTarget target = server.target();
  auto context = TlsContext::open(options);
  REQUIRE(context.ok());
  target.tls = *context;
  SystemClock clock;
  const auto channel = GrpcChannel::create(target, clock);
  const auto refused = channel->unary(kMethod, "1", seconds(20), StopToken());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code() == ErrorCode::kUnavailable);
  rotate_to(pki().client);
  CHECK(channel->unary(kMethod, "2", seconds(20), StopToken()).ok());
  // What is half-way through a rotation may be good the next time.
  write_file(options.key_file, "");
  CHECK(channel->unary(kMethod, "3", seconds(20), StopToken()).ok());
  const auto broken = channel->open_stream(kMethod, "", {}, StopToken());
  REQUIRE_FALSE(broken.ok());
  CHECK(broken.error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("tls: bad files show at once") {
  TlsOptions options = pki().options();
  REQUIRE(TlsContext::open(options).ok());

  const auto is_invalid = [](const TlsOptions& bad) {
    const auto context = TlsContext::open(bad);
    return !context.ok() && context.error().code() == ErrorCode::kInvalid;
  };
  options.ca_file = pki().directory.path("missing.pem");
  CHECK(is_invalid(options));
  options.ca_file = pki().client.key_file;
  CHECK(is_invalid(options));
  options = pki().options();
  options.cert_file = pki().directory.path("missing.pem");
  CHECK(is_invalid(options));
  options = pki().options();
  options.key_file = pki().server.key_file;
  CHECK(is_invalid(options));
}

TEST_CASE("tls: a server that speaks plain text, and the reverse") {
  {
    const StockServer server(echo);
    const auto answer = call(server.target(), pki().options());
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().code() == ErrorCode::kUnavailable);
  }
  const StockServer server(echo, server_options(pki().server));
  SystemClock clock;
  const auto answer =
      GrpcChannel::create(server.target(), clock)->unary(kMethod, "", seconds(20), StopToken());
  CHECK_FALSE(answer.ok());
}

TEST_CASE("tls: a client without certificate reaches a server that demands none") {
  StockServer::Options server_side = server_options(pki().server);
  server_side.client_ca.clear();
  const StockServer server(echo, server_side);
  TlsOptions options = pki().options();
  options.cert_file.clear();
  options.key_file.clear();
  CHECK(call(server.target(), options).ok());
}

}  // namespace drainer::rpc
