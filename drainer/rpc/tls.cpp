#include "drainer/rpc/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include "drainer/base/ascii.h"
#include "drainer/base/log.h"
#include "drainer/rpc/tls_session.h"

namespace drainer::rpc {

namespace {

constexpr unsigned char kAlpnOffer[] = {2, 'h', '2'};

/// In the order of our preference: who knows HTTP/1.1 wants our pages, which HTTP/2 has not; a gRPC
/// client offers h2 alone.
constexpr unsigned char kAlpnServed[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1', 2, 'h', '2'};

/// A client that offers neither goes on without ALPN: the port looks at the first bytes anyway.
int select_alpn(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                const unsigned char* offered, unsigned int offered_size, void*) {
  unsigned char* found = nullptr;
  const int result = SSL_select_next_proto(&found, chosen_size, kAlpnServed, sizeof kAlpnServed,
                                           offered, offered_size);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/// All certificates of a PEM bundle; each of them is trusted as a root, as in Go.
Result<std::shared_ptr<x509_store_st>> read_store(const std::string& ca_file) {
  ERR_clear_error();
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new_file(ca_file.c_str(), "r"), BIO_free);
  if (bio == nullptr) {
    return make_error(ErrorCode::kInvalid, "could not read ca certificate {}: {}", ca_file,
                      take_openssl_error());
  }
  std::shared_ptr<x509_store_st> store(X509_STORE_new(), X509_STORE_free);
  CHECK(store != nullptr, "no memory");
  int count = 0;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    count += X509_STORE_add_cert(store.get(), certificate);
    X509_free(certificate);
  }
  ERR_clear_error();
  if (count == 0) {
    return make_error(ErrorCode::kInvalid, "no certificate in ca file {}", ca_file);
  }
  return store;
}

// Tells one version of a file from the next without reading it.
std::string stamp_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return "absent";
  return fmt::format("{}:{}:{}.{}", status.st_ino, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

}  // namespace

void TlsContext::ContextDeleter::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

TlsContext::TlsContext(TlsOptions options, std::shared_ptr<x509_store_st> roots)
    : options_(std::move(options)),
      roots_(std::move(roots)),
      ca_stamp_(stamp_of(options_.ca_file)) {}

std::shared_ptr<x509_store_st> TlsContext::roots() const {
  const std::string stamp = stamp_of(options_.ca_file);
  MutexLock lock(mutex_);
  if (stamp == ca_stamp_) return roots_;
  ca_stamp_ = stamp;
  auto read = read_store(options_.ca_file);
  if (!read.ok()) {
    log_warn("the ca file cannot be read again, the former one stays in force",
             {{"error", read.error()}});
    return roots_;
  }
  log_info("ca file read again", {{"file", options_.ca_file}});
  return roots_ = *std::move(read);
}

Result<std::shared_ptr<const TlsContext>> TlsContext::open(TlsOptions options) {
  for (std::string& name : options.allowed_common_names) name = trim_blanks(name);
  ASSIGN_OR_RETURN(auto roots, read_store(options.ca_file));
  std::shared_ptr<const TlsContext> context(
      new TlsContext(std::move(options), std::move(roots)));  // NOLINT: private
  ASSIGN_OR_RETURN([[maybe_unused]] const auto probe, context->make_client_context());
  return context;
}

Result<std::unique_ptr<ssl_ctx_st, TlsContext::ContextDeleter>> TlsContext::make_client_context()
    const {
  ERR_clear_error();
  std::unique_ptr<ssl_ctx_st, ContextDeleter> context(SSL_CTX_new(TLS_client_method()));
  CHECK(context != nullptr, "SSL_CTX_new: {}", take_openssl_error());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (options_.offers_http2) {
    SSL_CTX_set_alpn_protos(context.get(), kAlpnOffer, sizeof kAlpnOffer);
  }
  TRY(prepare(context.get()));
  return context;
}

Result<std::unique_ptr<ssl_ctx_st, TlsContext::ContextDeleter>> TlsContext::make_server_context()
    const {
  if (options_.cert_file.empty() || options_.key_file.empty()) {
    // The words of Go's crypto/tls.
    return make_error(
        ErrorCode::kInvalid,
        "tls: neither Certificates, GetCertificate, nor GetConfigForClient set in Config");
  }
  ERR_clear_error();
  std::unique_ptr<ssl_ctx_st, ContextDeleter> context(SSL_CTX_new(TLS_server_method()));
  CHECK(context != nullptr, "SSL_CTX_new: {}", take_openssl_error());
  if (!options_.allowed_common_names.empty()) {
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  SSL_CTX_set_alpn_select_cb(context.get(), select_alpn, nullptr);
  // Each connection has a context of its own, so that there is nothing to resume.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_num_tickets(context.get(), 0);
  TRY(prepare(context.get()));
  return context;
}

/// What both sides have in common.
Result<void> TlsContext::prepare(ssl_ctx_st* context) const {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set1_cert_store(context, roots().get());
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // HTTP/2 frames say themselves where they end.
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (options_.cert_file.empty() || options_.key_file.empty()) return {};

  if (SSL_CTX_use_certificate_chain_file(context, options_.cert_file.c_str()) != 1) {
    return make_error(ErrorCode::kInvalid, "could not load certificate {}: {}", options_.cert_file,
                      take_openssl_error());
  }
  if (SSL_CTX_use_PrivateKey_file(context, options_.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return make_error(ErrorCode::kInvalid, "could not load key {} for certificate {}: {}",
                      options_.key_file, options_.cert_file, take_openssl_error());
  }
  return {};
}

}  // namespace drainer::rpc
