#include "drainer/rpc/tls_session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/ranges.h>

namespace drainer::rpc {

namespace {

/// OpenSSL's own socket BIO writes without MSG_NOSIGNAL, and a lost peer would end the process.
int bio_write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto fd = static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
  const auto count = static_cast<int>(::send(fd, data, static_cast<size_t>(size), MSG_NOSIGNAL));
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return count;
}

int bio_read(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto fd = static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
  const auto count = static_cast<int>(::recv(fd, data, static_cast<size_t>(size), 0));
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  if (count == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return count;
}

long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

const BIO_METHOD* socket_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "drainer socket");
    CHECK(made != nullptr, "no memory");
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

bool is_ip_address(const std::string& host) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(host.c_str());
  ERR_clear_error();
  ASN1_OCTET_STRING_free(address);
  return address != nullptr;
}

/// Names count in the SAN only, as in Go.
bool expect_host(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
  if (is_ip_address(host)) return X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) == 1;
  X509_VERIFY_PARAM_set_hostflags(
      param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const std::string name = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
  return X509_VERIFY_PARAM_set1_host(param, name.data(), name.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
}

/// The last CN of the subject, as Go takes it.
std::string common_name(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  int last = -1;
  for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;) last = i;
  if (last < 0) return {};
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
  if (size < 0) return {};
  std::string name(reinterpret_cast<const char*>(text), static_cast<size_t>(size));
  OPENSSL_free(text);
  return name;
}

/// SSL_get_error() goes by the error queue, and an end of file leaves errno as it was.
void begin_operation() {
  ERR_clear_error();
  errno = 0;
}

}  // namespace

std::string take_openssl_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : fmt::format("error {:#x}", code);
}

void TlsSession::SslDeleter::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}

TlsSession::TlsSession(std::unique_ptr<ssl_st, SslDeleter> ssl,
                       std::vector<std::string> allowed_common_names)
    : ssl_(std::move(ssl)), allowed_common_names_(std::move(allowed_common_names)) {}

TlsSession::~TlsSession() {
  end_writing();
}

void TlsSession::end_writing() {
  const bool said = (SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) != 0;
  if (!broken_ && !said && SSL_is_init_finished(ssl_.get()) != 0) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

Result<std::unique_ptr<ssl_st, TlsSession::SslDeleter>> TlsSession::make_ssl(ssl_ctx_st* context,
                                                                             int fd) {
  std::unique_ptr<ssl_st, SslDeleter> ssl(SSL_new(context));
  BIO* bio = BIO_new(socket_method());
  if (ssl == nullptr || bio == nullptr) {
    BIO_free(bio);
    return make_error(ErrorCode::kUnavailable, "tls: {}", take_openssl_error());
  }
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl.get(), bio, bio);
  return ssl;
}

Result<std::unique_ptr<TlsSession>> TlsSession::create(const TlsContext& context,
                                                       const std::string& host, int fd) {
  auto made = context.make_client_context();
  // Files may be half-way through a rotation: worth another try.
  if (!made.ok()) return Error(ErrorCode::kUnavailable, made.error().to_string());
  ASSIGN_OR_RETURN(auto ssl, make_ssl(made->get(), fd));
  SSL_set_connect_state(ssl.get());
  if (!expect_host(ssl.get(), host)) {
    return make_error(ErrorCode::kInvalid, "tls: bad host name \"{}\": {}", host,
                      take_openssl_error());
  }
  return std::unique_ptr<TlsSession>(
      new TlsSession(std::move(ssl), context.options().allowed_common_names));  // NOLINT: private
}

Result<std::unique_ptr<TlsSession>> TlsSession::create_server(const TlsContext& context, int fd) {
  auto made = context.make_server_context();
  if (!made.ok()) return Error(ErrorCode::kUnavailable, made.error().to_string());
  ASSIGN_OR_RETURN(auto ssl, make_ssl(made->get(), fd));
  SSL_set_accept_state(ssl.get());
  return std::unique_ptr<TlsSession>(
      new TlsSession(std::move(ssl), context.options().allowed_common_names));  // NOLINT: private
}

Result<int16_t> TlsSession::handshake() {
  begin_operation();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    TRY(check_common_names());
    return int16_t{0};
  }
  const long verdict = SSL_get_verify_result(ssl_.get());
  ASSIGN_OR_RETURN(const IoStep step, [&]() -> Result<IoStep> {
    auto failure = failed(result, "tls handshake");
    if (failure.ok() || verdict == X509_V_OK) return failure;
    return make_error(ErrorCode::kDenied, "tls: {} certificate: {}",
                      SSL_is_server(ssl_.get()) != 0 ? "client" : "server",
                      X509_verify_cert_error_string(verdict));
  }());
  if (step.ended()) return make_error(ErrorCode::kUnavailable, "tls handshake: closed by peer");
  return step.wait_for;
}

/// KEEP: any certificate of the chain may carry the name, the CA's own included
/// (spec/drainer-process.md 1.10).
Result<void> TlsSession::check_common_names() const {
  const auto& allowed = allowed_common_names_;
  if (allowed.empty()) return {};
  const STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl_.get());
  std::vector<std::string> names;
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    names.push_back(common_name(sk_X509_value(chain, i)));
    if (std::find(allowed.begin(), allowed.end(), names.back()) != allowed.end()) return {};
  }
  return make_error(ErrorCode::kDenied,
                    "client certificate authentication failed. The Common Name from the client "
                    "certificate [{}] was not found in the configuration cluster-verify-cn with "
                    "value: [{}]",
                    fmt::join(names, " "), fmt::join(allowed, " "));
}

Result<IoStep> TlsSession::try_read(std::span<char> buffer) {
  begin_operation();
  size_t count = 0;
  const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &count);
  if (result == 1) return IoStep{.bytes = count};
  return failed(result, "tls read");
}

Result<IoStep> TlsSession::try_write(ByteView bytes) {
  begin_operation();
  size_t count = 0;
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
  if (result == 1) return IoStep{.bytes = count};
  ASSIGN_OR_RETURN(const IoStep step, failed(result, "tls write"));
  if (step.ended()) return make_error(ErrorCode::kUnavailable, "tls write: closed by peer");
  return step;
}

Result<IoStep> TlsSession::failed(int result, std::string_view what) {
  const int saved_errno = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return IoStep{.wait_for = POLLIN};
    case SSL_ERROR_WANT_WRITE:
      return IoStep{.wait_for = POLLOUT};
    case SSL_ERROR_ZERO_RETURN:
      return IoStep{};
    case SSL_ERROR_SYSCALL:
      broken_ = true;
      ERR_clear_error();
      return make_error(ErrorCode::kUnavailable, "{}: {}", what,
                        saved_errno != 0 ? std::strerror(saved_errno) : "closed by peer");
    default:
      broken_ = true;
      return make_error(ErrorCode::kUnavailable, "{}: {}", what, take_openssl_error());
  }
}

}  // namespace drainer::rpc
