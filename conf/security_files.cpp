#include "conf/security_files.h"

#include <memory>
#include <string>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "conf/toml_file.h"
#include "drainer/base/log.h"

namespace drainer::conf {

namespace {

template <class T, auto Free>
struct Freer {
  void operator()(T* object) const { Free(object); }
};
using BioPtr = std::unique_ptr<BIO, Freer<BIO, BIO_free>>;
using CertificatePtr = std::unique_ptr<X509, Freer<X509, X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;

// We ask for no passphrase: an encrypted key counts as unreadable.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

Error invalid(std::string_view text) {
  return Error(ErrorCode::kInvalid, std::string(text));
}

CertificatePtr first_certificate(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return certificate;
}

KeyPtr private_key(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return key;
}

Result<void> check_key_pair(const SecurityOptions& security) {
  ASSIGN_OR_RETURN(const std::string certificate_pem, read_file(security.ssl_cert));
  ASSIGN_OR_RETURN(const std::string key_pem, read_file(security.ssl_key));
  const CertificatePtr certificate = first_certificate(certificate_pem);
  if (!certificate) return invalid("tls: failed to find any PEM data in certificate input");
  const KeyPtr key = private_key(key_pem);
  if (!key) return invalid("tls: failed to find any PEM data in key input");
  const bool match = X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (!match) return invalid("tls: private key does not match public key");
  // Peers that look just hang up; those that do not may be fine with it.
  if (X509_cmp_current_time(X509_get0_notAfter(certificate.get())) < 0) {
    log_warn("the own certificate has expired", {{"file", security.ssl_cert}});
  }
  return {};
}

}  // namespace

Result<void> check_security_files(const SecurityOptions& security) {
  if (security.ssl_ca.empty()) return {};
  Result<std::string> ca = read_file(security.ssl_ca);
  if (!ca) return std::move(ca).error().because("could not read ca certificate");
  if (!first_certificate(*ca)) return invalid("failed to append ca certs");
  if (security.ssl_cert.empty() || security.ssl_key.empty()) return {};
  Result<void> pair = check_key_pair(security);
  if (!pair) return std::move(pair).error().because("could not load client key pair");
  return {};
}

}  // namespace drainer::conf
