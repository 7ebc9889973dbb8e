#include "drainer/rpc/resolve.h"

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <csignal>
#include <cstring>
#include <memory>

namespace drainer::rpc {

namespace {

/// One lookup, owned by the waiting thread and by the resolver until it has called back.
struct Lookup {
  std::string host;
  std::string port;
  addrinfo hints{};
  gaicb request{};
  FileDescriptor done;

  ~Lookup() {
    if (request.ar_result != nullptr) ::freeaddrinfo(request.ar_result);
  }
};

/// Runs on a thread of glibc.
void on_lookup_done(sigval argument) {
  const std::unique_ptr<std::shared_ptr<Lookup>> lookup(
      static_cast<std::shared_ptr<Lookup>*>(argument.sival_ptr));
  (void)::eventfd_write((*lookup)->done.get(), 1);
}

Error resolve_error(const std::string& host, int code) {
  return make_error(ErrorCode::kUnavailable, "lookup {}: {}", host, ::gai_strerror(code));
}

std::vector<SocketAddress> to_addresses(const addrinfo* list) {
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.size = entry->ai_addrlen;
    address.family = entry->ai_family;
  }
  return addresses;
}

}  // namespace

Result<std::vector<SocketAddress>> resolve(const std::string& host, uint16_t port, IoWaiter& waiter,
                                           const IoLimits& limits) {
  const auto lookup = std::make_shared<Lookup>();
  lookup->host = host;
  lookup->port = std::to_string(port);
  lookup->hints.ai_socktype = SOCK_STREAM;
  lookup->hints.ai_flags = AI_NUMERICSERV | AI_NUMERICHOST;
  gaicb& request = lookup->request;
  request.ar_name = lookup->host.c_str();
  request.ar_service = lookup->port.c_str();
  request.ar_request = &lookup->hints;

  // An address in digits needs no resolver and no thread.
  if (::getaddrinfo(request.ar_name, request.ar_service, &lookup->hints, &request.ar_result) == 0) {
    return to_addresses(request.ar_result);
  }

  lookup->hints.ai_flags = AI_NUMERICSERV;
  lookup->done = FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!lookup->done) return make_error(ErrorCode::kUnavailable, "eventfd: {}", strerror(errno));
  auto owner_of_callback = std::make_unique<std::shared_ptr<Lookup>>(lookup);
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_notify_function = on_lookup_done;
  event.sigev_value.sival_ptr = owner_of_callback.get();
  gaicb* requests[] = {&request};
  const int started = ::getaddrinfo_a(GAI_NOWAIT, requests, 1, &event);
  if (started != 0) return resolve_error(host, started);
  (void)owner_of_callback.release();

  TRY(waiter.wait(lookup->done.get(), POLLIN, limits));
  const int code = ::gai_error(&request);
  if (code != 0) return resolve_error(host, code);
  return to_addresses(request.ar_result);
}

}  // namespace drainer::rpc
