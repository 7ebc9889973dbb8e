#pragma once

#include <memory>

#include "drainer/base/clock.h"
#include "drainer/rpc/port_session.h"
#include "drainer/server/handlers.h"

namespace drainer::server {

/// What a client may send in one request.
struct Http1Limits {
  uint32_t header_bytes_max = 16384;
  uint64_t body_bytes_max = 65536;  ///< no request needs one
};

/// HTTP/1 on one connection: requests one after another, answered by `handlers`, which must outlive
/// it. Bad requests get 400, 413 or 431, and the connection ends.
std::unique_ptr<rpc::PortSession> open_http1_session(const Handlers& handlers, const Clock& clock,
                                                     Http1Limits limits);

}  // namespace drainer::server
