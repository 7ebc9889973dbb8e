// TLS on every link, with authorities made on the spot: who is let in, who is not, and files that
// are replaced while all runs.

#include <csignal>
#include <filesystem>

#include "tests/integration/http_call.h"
#include "tests/integration/pipeline.h"
#include "tests/unit/rpc/test_ca.h"

#include <catch2/catch.hpp>

using namespace drainer;
using integration::Capture;
using integration::Pipeline;
using Certificate = rpc::TestCa::Certificate;

namespace {

const std::string kHere = "DNS:localhost,IP:127.0.0.1";

// Making keys is slow: all cases share them.
struct Pki {
  rpc::TemporaryDirectory directory;
  rpc::TestCa ca{directory, "cluster-ca"};
  rpc::TestCa other_ca{directory, "other-ca"};
  Certificate cluster = ca.issue("cluster", kHere);
  Certificate stranger = ca.issue("stranger", kHere);
  Certificate expired = ca.issue("late", kHere, /*days=*/0);
  Certificate elsewhere = ca.issue("away", "DNS:elsewhere");
  Certificate foreign = other_ca.issue("cluster", kHere);
  Certificate drainer_a = ca.issue("drainer-a", kHere);
  Certificate drainer_b = ca.issue("drainer-b", kHere);

  static const Pki& get() {
    static const Pki pki;
    return pki;
  }
};

std::vector<std::string> server_options(const Certificate& certificate,
                                        const std::vector<std::string>& more = {}) {
  std::vector<std::string> out = {"--tls-ca",   Pki::get().ca.file(),
                                  "--tls-cert", certificate.certificate_file,
                                  "--tls-key",  certificate.key_file};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

std::string security(const std::string& ca, const Certificate& certificate,
                     const std::string& names = "") {
  return "[security]\nssl-ca = \"" + ca + "\"\nssl-cert = \"" + certificate.certificate_file +
         "\"\nssl-key = \"" + certificate.key_file + "\"\ncert-allowed-cn = [" + names + "]\n";
}

// A client of the drainer's own port; it expects the server to have one of `names`.
std::shared_ptr<const rpc::TlsContext> client(const Certificate& certificate,
                                              std::vector<std::string> names = {}) {
  auto made = rpc::TlsContext::open({.ca_file = Pki::get().ca.file(),
                                     .cert_file = certificate.certificate_file,
                                     .key_file = certificate.key_file,
                                     .allowed_common_names = std::move(names)});
  REQUIRE(made.ok());
  return std::move(made).value();
}

std::string tail(const std::string& log) {
  return log.substr(log.size() > 3000 ? log.size() - 3000 : 0);
}

void replace(const std::string& target, const std::string& source) {
  std::filesystem::copy_file(source, target + ".new",
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::rename(target + ".new", target);
}

}  // namespace

TEST_CASE("tls: with the right certificates all links work, and the own port asks for one too") {
  const Pki& pki = Pki::get();
  Pipeline pipeline(Capture::bundled());
  pipeline.start_upstream(server_options(pki.cluster));
  Pipeline::Config config;
  config.more = security(pki.ca.file(), pki.drainer_a, "\" cluster \", \"monitor\"");
  pipeline.write_config(config);
  pipeline.start_drainer({"-initial-commit-ts", pipeline.capture().from_ts});
  const auto friendly = client(pki.cluster, {"drainer-a"});
  const bool reached = pipeline.wait_for_end_of_capture(friendly.get());
  INFO(tail(pipeline.drainer_log()));
  REQUIRE(reached);
  CHECK_THAT(pipeline.upstream_state(), Catch::Contains("\"client\":\"drainer-a\""));

  CHECK(pipeline.ask_drainer("GET", "/status", client({"", ""}).get()).empty());
  CHECK(pipeline.ask_drainer("GET", "/status", client(pki.stranger).get()).empty());
  CHECK(pipeline.ask_drainer("GET", "/status", client(pki.foreign).get()).empty());
  CHECK(pipeline.ask_drainer("GET", "/status", client(pki.expired).get()).empty());
  CHECK(pipeline.ask_drainer("GET", "/status").empty());
  // Whom the port has turned away does it no harm.
  CHECK_FALSE(pipeline.ask_drainer("GET", "/status", friendly.get()).empty());
  pipeline.drainer().send_signal(SIGTERM);
  CHECK(pipeline.wait_for_drainer() == 0);
  for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
}

TEST_CASE("tls: who is not what he should be is refused, with the reason in the log") {
  const Pki& pki = Pki::get();
  struct Case {
    const char* name;
    Certificate server;
    std::string ca;
    Certificate own;
    const char* names;
    const char* reason;
  };
  const Case cases[] = {
      {"expired server", pki.expired, pki.ca.file(), pki.drainer_a, "", "expired"},
      {"server of another host", pki.elsewhere, pki.ca.file(), pki.drainer_a, "",
       "IP address mismatch"},
      {"server of another authority", pki.cluster, pki.other_ca.file(), pki.foreign, "",
       "certificate"},
      {"server with another name", pki.cluster, pki.ca.file(), pki.drainer_a, "\"other\"",
       "The Common Name from the client certificate [cluster cluster-ca] was not found"},
      {"own certificate expired", pki.cluster, pki.ca.file(), pki.expired, "",
       "the own certificate has expired"},
      {"no own certificate", pki.cluster, pki.ca.file(), {"", ""}, "", "tls: neither Certificates"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    Pipeline pipeline(Capture::bundled());
    pipeline.start_upstream(server_options(c.server));
    Pipeline::Config config;
    config.more = security(c.ca, c.own, c.names);
    pipeline.write_config(config);
    pipeline.start_drainer_over_capture();
    const auto is_told = [&] { return pipeline.drainer_log().find(c.reason) != std::string::npos; };
    const bool told = pipeline.wait_until(is_told);
    INFO(tail(pipeline.drainer_log()));
    CHECK(told);
    // It may still try PD again: an operator may be about to replace files.
    pipeline.drainer().send_signal(SIGKILL);
    CHECK(pipeline.wait_for_drainer() != 0);
    const auto databases = pipeline.downstream().query("show databases like 'test%'");
    REQUIRE(databases.ok());
    CHECK(databases->empty());
  }
}

TEST_CASE("tls: replaced files count from the next connection on, without a restart") {
  const Pki& pki = Pki::get();
  const fakes::TempDir directory("tls");
  const Certificate own{directory.path() + "/cert.pem", directory.path() + "/key.pem"};
  const std::string ca = directory.path() + "/ca.pem";
  replace(own.certificate_file, pki.drainer_a.certificate_file);
  replace(own.key_file, pki.drainer_a.key_file);
  replace(ca, pki.ca.file());
  Pipeline pipeline(Capture::bundled());
  // Streams that end make the drainer connect again and again.
  pipeline.start_upstream(server_options(
      pki.cluster, {"--pace", "50", "--fault", "pumps end every 20", "--fake-interval-ms", "100"}));
  Pipeline::Config config;
  config.more = security(ca, own, "\"cluster\", \"cluster-ca\", \"other-ca\"");
  pipeline.write_config(config);
  pipeline.start_drainer({"-initial-commit-ts", pipeline.capture().from_ts});
  const auto sees = [&](const std::string& name) {
    return pipeline.wait_until([&] {
      return pipeline.upstream_state().find("\"client\":\"" + name + "\"") != std::string::npos;
    });
  };
  REQUIRE(sees("drainer-a"));
  CHECK(pipeline.wait_until([&] {
    const auto as_a = client(pki.cluster, {"drainer-a"});
    return !pipeline.ask_drainer("GET", "/status", as_a.get()).empty();
  }));
  CHECK(pipeline.ask_drainer("GET", "/status", client(pki.foreign).get()).empty());

  replace(own.key_file, pki.drainer_b.key_file);
  replace(own.certificate_file, pki.drainer_b.certificate_file);
  INFO(tail(pipeline.drainer_log()));
  CHECK(sees("drainer-b"));
  const auto as_b = client(pki.cluster, {"drainer-b"});
  CHECK_FALSE(pipeline.ask_drainer("GET", "/status", as_b.get()).empty());

  fakes::write_file(directory.path() + "/both.pem",
                    rpc::read_file(pki.ca.file()) + rpc::read_file(pki.other_ca.file()));
  replace(ca, directory.path() + "/both.pem");
  CHECK_FALSE(pipeline.ask_drainer("GET", "/status", client(pki.foreign).get()).empty());
  pipeline.drainer().send_signal(SIGTERM);
  CHECK(pipeline.wait_for_drainer() == 0);
}

TEST_CASE("tls: the database's certificate is verified, chain, host and date, and ours by it") {
  const Pki& pki = Pki::get();
  const fakes::TempDir directory("tls");
  const std::string certificate = directory.path() + "/cert.pem";
  const std::string key = directory.path() + "/key.pem";
  const auto install = [&](const Certificate& of) {
    replace(certificate, of.certificate_file);
    replace(key, of.key_file);
  };
  install(pki.cluster);
  fakes::MariadbServer server(
      {"--ssl-ca=" + pki.ca.file(), "--ssl-cert=" + certificate, "--ssl-key=" + key});
  Pipeline pipeline(Capture::bundled(), server);
  pipeline.start_upstream();
  const auto demand = [&](const std::string& what) {
    REQUIRE(pipeline.downstream().execute("alter user 'dr'@'127.0.0.1' require " + what).ok());
  };
  const auto run = [&](const std::string& more) {
    Pipeline::Config config;
    config.more = more;
    pipeline.write_config(config);
    pipeline.start_drainer_over_capture();
    const std::optional<int> code = pipeline.wait_for_drainer();
    REQUIRE(code.has_value());
    return *code;
  };
  const auto to = [](const std::string& ca, const std::string& extra = "") {
    return "[syncer.to.security]\nssl-ca = \"" + ca + "\"\n" + extra;
  };
  demand("ssl");
  CHECK(run("") == 1);
  struct Case {
    const char* name;
    Certificate server;
    std::string ca;
    const char* reason;
  };
  const Case cases[] = {
      {"another authority", pki.cluster, pki.other_ca.file(), "self-signed certificate"},
      {"expired", pki.expired, pki.ca.file(), "certificate has expired"},
      {"another host", pki.elsewhere, pki.ca.file(), "Validation of SSL server certificate failed"},
  };
  size_t seen = pipeline.drainer_log().size();
  for (const Case& c : cases) {
    INFO(c.name);
    install(c.server);
    REQUIRE(pipeline.downstream().execute("flush ssl").ok());
    CHECK(run(to(c.ca)) == 1);
    const std::string log = pipeline.drainer_log().substr(seen);
    seen += log.size();
    CHECK_THAT(log, Catch::Contains(c.reason));
  }
  install(pki.cluster);
  REQUIRE(pipeline.downstream().execute("flush ssl").ok());
  CHECK(run(to(pki.ca.file(), "cert-allowed-cn = [\"cluster\"]\n")) == 1);
  CHECK_THAT(pipeline.drainer_log(),
             Catch::Contains("`syncer.to.security.cert-allowed-cn` cannot be checked"));

  demand("x509");
  CHECK(run(to(pki.ca.file())) == 1);
  CHECK_THAT(pipeline.drainer_log(), Catch::Contains("Access denied for user 'dr'"));
  CHECK(run(to(pki.ca.file(), "ssl-cert = \"" + pki.drainer_a.certificate_file +
                                  "\"\nssl-key = \"" + pki.drainer_a.key_file + "\"\n")) == 0);
  INFO(tail(pipeline.drainer_log()));
  for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
}
