#include "conf/security_files.h"

#include "conf/options_json.h"
#include "tests/fakes/process.h"
#include "tests/unit/conf/loading.h"

#include <functional>
#include <memory>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <catch2/catch.hpp>

namespace drainer::conf {

namespace {

std::string pem_text(const std::function<void(BIO*)>& write) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new(BIO_s_mem()), &BIO_free_all);
  write(bio.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

// A fresh key and a certificate that it has signed itself.
struct Identity {
  Identity() {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"),
                                                                  &EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> x509(X509_new(), &X509_free);
    X509_gmtime_adj(X509_getm_notBefore(x509.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
    X509_set_pubkey(x509.get(), key.get());
    REQUIRE(X509_sign(x509.get(), key.get(), EVP_sha256()) > 0);
    certificate_pem = pem_text([&](BIO* bio) { PEM_write_bio_X509(bio, x509.get()); });
    key_pem = pem_text([&](BIO* bio) {
      PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

  std::string certificate_pem;
  std::string key_pem;
};

}  // namespace

TEST_CASE("security files: good files pass, without ssl-ca nothing is read") {
  const fakes::TempDir directory("conf");
  const Identity identity;
  const std::string ca = test::write(directory, "ca.pem", identity.certificate_pem);
  const std::string cert = test::write(directory, "cert.pem", identity.certificate_pem);
  const std::string key = test::write(directory, "key.pem", identity.key_pem);
  const SecurityOptions cases[] = {
      {},
      {.ssl_ca = "", .ssl_cert = "/nowhere", .ssl_key = "/nowhere", .cert_allowed_cn = {}},
      {.ssl_ca = ca, .ssl_cert = "", .ssl_key = "", .cert_allowed_cn = {}},
      {.ssl_ca = ca, .ssl_cert = "/nowhere", .ssl_key = "", .cert_allowed_cn = {}},
      {.ssl_ca = ca, .ssl_cert = cert, .ssl_key = key, .cert_allowed_cn = {"x"}},
  };
  for (const SecurityOptions& security : cases) {
    const Result<void> checked = check_security_files(security);
    INFO((checked.ok() ? std::string() : checked.error().to_string()));
    CHECK(checked.ok());
  }
}

TEST_CASE("security files: each fault has the original's text") {
  const fakes::TempDir directory("conf");
  const Identity identity;
  const std::string good = test::write(directory, "cert.pem", identity.certificate_pem);
  const std::string key = test::write(directory, "key.pem", identity.key_pem);
  const std::string other_key = test::write(directory, "other.pem", Identity().key_pem);
  const std::string rubbish = test::write(directory, "rubbish.pem", "no PEM");
  struct Case {
    std::string ca, cert, key, text;
  };
  const Case cases[] = {
      {"/nowhere", "", "",
       "could not read ca certificate: open /nowhere: no such file or directory"},
      {rubbish, "", "", "failed to append ca certs"},
      {good, "/nowhere", key,
       "could not load client key pair: open /nowhere: no such file or directory"},
      {good, good, "/nowhere",
       "could not load client key pair: open /nowhere: no such file or directory"},
      {good, rubbish, key,
       "could not load client key pair: tls: failed to find any PEM data in certificate input"},
      {good, good, rubbish,
       "could not load client key pair: tls: failed to find any PEM data in key input"},
      {good, good, other_key,
       "could not load client key pair: tls: private key does not match public key"},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    const Result<void> checked = check_security_files(
        {.ssl_ca = c.ca, .ssl_cert = c.cert, .ssl_key = c.key, .cert_allowed_cn = {}});
    REQUIRE_FALSE(checked.ok());
    CHECK(checked.error().to_string() == c.text);
  }
}

TEST_CASE("security files: all three tables of the file are checked") {
  for (const char* table : {"security", "syncer.to.security", "syncer.to.checkpoint.security"}) {
    CHECK(test::problem_of({.file = std::string(table) + ".ssl-ca = '/nowhere'\n"}) ==
          "tls config {SSLCA:/nowhere SSLCert: SSLKey: CertAllowedCN:[]} error could not read ca "
          "certificate: open /nowhere: no such file or directory");
  }
  const fakes::TempDir directory("conf");
  const std::string ca = test::write(directory, "ca.pem", Identity().certificate_pem);
  const Options options = test::options_of(
      {.file = "[security]\nssl-ca = '" + ca + "'\ncert-allowed-cn = [' a ', 'b']\n"});
  CHECK(options.security.cert_allowed_cn == std::vector<std::string>{"a", "b"});
  CHECK(options_json(options).find("\"addr\":\"https://") != std::string::npos);
}

}  // namespace drainer::conf
