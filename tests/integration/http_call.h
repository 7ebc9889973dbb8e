#pragma once

#include <cstdint>
#include <string>

#include "drainer/rpc/tls.h"

namespace drainer::integration {

/// The whole answer of 127.0.0.1:`port` to one request without a body, as it came; empty when
/// nobody answers or TLS fails. `tls` null: plain text.
std::string http_call(uint16_t port, const std::string& method, const std::string& target,
                      const rpc::TlsContext* tls);

/// What follows the fields of an answer.
std::string http_body(const std::string& answer);

}  // namespace drainer::integration
