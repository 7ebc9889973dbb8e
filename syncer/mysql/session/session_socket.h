#pragma once

#include <cstdint>

#include "syncer/mysql/session/session.h"

namespace drainer::mysql {

/// The sockets of our sessions. The connector does not hand them out; they are found among the
/// descriptors of the process by the ports of their two ends. Any thread.

/// Lets TCP notice that the peer is gone, within two and a half minutes: of all connections of this
/// process to `peer_port`. The system's own limit for a silent connection is over two hours.
void keep_sockets_alive(uint16_t peer_port);

/// Ends whatever waits for the session's server: it gets a lost connection. False where a proxy or
/// an address translation between the two hides the session's port.
bool shut_down_socket(const SessionIdentity& session, uint16_t peer_port);

}  // namespace drainer::mysql
