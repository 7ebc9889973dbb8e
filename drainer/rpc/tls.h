#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drainer/base/mutex.h"
#include "drainer/base/result.h"

struct ssl_ctx_st;
struct x509_store_st;

namespace drainer::rpc {

/// Files and names of one [security] table. Empty `ca_file` means no TLS.
struct TlsOptions {
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
  std::vector<std::string> allowed_common_names;  ///< checked in the verified chain; empty: any
  bool offers_http2 = true;  ///< as a client: offer ALPN h2; else offer nothing

  bool enabled() const { return !ca_file.empty(); }
};

/// Verified TLS: towards servers the chain to our CA, host name in SAN, common names if given;
/// towards clients the same without host name, if there are common names, else nothing is asked of
/// them.
///
/// Certificate and key are read again for every new connection, the CA when its file has changed,
/// so all may be rotated; a CA file that cannot be read leaves the former one in force. Any thread.
class TlsContext {
 public:
  /// Reads all files once, so that a bad path or key shows at start.
  static Result<std::shared_ptr<const TlsContext>> open(TlsOptions options);

  const TlsOptions& options() const { return options_; }
  /// A fresh OpenSSL context with today's certificate; owned by the caller.
  struct ContextDeleter {
    void operator()(ssl_ctx_st* context) const;
  };
  Result<std::unique_ptr<ssl_ctx_st, ContextDeleter>> make_client_context() const;
  /// The same for the server's side. Selects http/1.1 when the client offers it, else h2. kInvalid
  /// without a certificate of our own.
  Result<std::unique_ptr<ssl_ctx_st, ContextDeleter>> make_server_context() const;

 private:
  TlsContext(TlsOptions options, std::shared_ptr<x509_store_st> roots);
  Result<void> prepare(ssl_ctx_st* context) const;
  std::shared_ptr<x509_store_st> roots() const EXCLUDES(mutex_);

  const TlsOptions options_;

  mutable Mutex mutex_;
  mutable std::shared_ptr<x509_store_st> roots_ GUARDED_BY(mutex_);
  mutable std::string ca_stamp_ GUARDED_BY(mutex_);  ///< of the file that roots_ comes from
};

}  // namespace drainer::rpc
