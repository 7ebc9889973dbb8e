#include "drainer/rpc/port_session.h"

namespace drainer::rpc {

PortProtocol tell_protocol(ByteView first_bytes) {
  constexpr ByteView kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  if (first_bytes.starts_with(kPreface)) return PortProtocol::kHttp2;
  bool may_become = kPreface.starts_with(first_bytes);
  for (const ByteView method :
       {"OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "CONNECT"}) {
    if (first_bytes.starts_with(method)) return PortProtocol::kHttp1;
    may_become = may_become || method.starts_with(first_bytes);
  }
  return may_become ? PortProtocol::kUndecided : PortProtocol::kUnknown;
}

}  // namespace drainer::rpc
