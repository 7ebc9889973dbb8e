#include "drainer/rpc/resolve.h"

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <memory>

#include "drainer/base/threads.h"

namespace drainer::rpc {

namespace {

struct AddressListDeleter {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, AddressListDeleter>;

Result<AddressList> call_getaddrinfo(const std::string& host, uint16_t port, int flags) {
  const addrinfo hints{.ai_flags = flags | AI_NUMERICSERV,
                       .ai_family = AF_UNSPEC,
                       .ai_socktype = SOCK_STREAM,
                       .ai_protocol = 0,
                       .ai_addrlen = 0,
                       .ai_addr = nullptr,
                       .ai_canonname = nullptr,
                       .ai_next = nullptr};
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (code == 0) return AddressList(list);
  return make_error(ErrorCode::kUnavailable, "lookup {}: {}", host, ::gai_strerror(code));
}

std::vector<SocketAddress> to_addresses(const AddressList& list) {
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.size = entry->ai_addrlen;
    address.family = entry->ai_family;
  }
  return addresses;
}

/// One lookup on a thread of its own, since getaddrinfo() can neither be limited nor interrupted.
class Lookup {
 public:
  static Result<std::unique_ptr<Lookup>> start(const std::string& host, uint16_t port) {
    FileDescriptor done(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!done) return make_error(ErrorCode::kUnavailable, "eventfd: {}", std::strerror(errno));
    std::unique_ptr<Lookup> lookup(new Lookup(std::move(done)));  // NOLINT: private
    lookup->thread_.start("lookup:" + host, [&self = *lookup, host, port](StopToken) {
      self.list_ = call_getaddrinfo(host, port, /*flags=*/0);
      self.finished_ = true;
      (void)::eventfd_write(self.done_.get(), 1);
      return Result<void>();
    });
    return lookup;
  }

  /// Readable when finished.
  int done_fd() const { return done_.get(); }
  bool finished() const { return finished_; }
  /// Joins the thread: blocks no longer than that takes when finished.
  Result<AddressList> take_list() {
    TRY(thread_.wait());
    return std::move(list_);
  }

 private:
  explicit Lookup(FileDescriptor done) : done_(std::move(done)) {}

  const FileDescriptor done_;
  std::atomic<bool> finished_ = false;
  Result<AddressList> list_ = AddressList();
  ThreadGroup thread_;  ///< joined before the rest goes
};

/// Keeps lookups that nobody waits for any more until they have finished by themselves. Any thread.
class GivenUpLookups {
 public:
  void add(std::unique_ptr<Lookup> lookup) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    lookups_.remove_if([](const auto& kept) { return kept->finished(); });
    lookups_.push_back(std::move(lookup));
  }

 private:
  Mutex mutex_;
  std::list<std::unique_ptr<Lookup>> lookups_ GUARDED_BY(mutex_);
};

GivenUpLookups& given_up_lookups() {
  // Never destroyed: the end of the program does not wait for a dead name server.
  static GivenUpLookups* const lookups = std::make_unique<GivenUpLookups>().release();
  return *lookups;
}

}  // namespace

Result<std::vector<SocketAddress>> resolve(const std::string& host, uint16_t port, IoWaiter& waiter,
                                           const IoLimits& limits) {
  // An address in digits needs no resolver and no thread.
  if (const auto list = call_getaddrinfo(host, port, AI_NUMERICHOST); list.ok()) {
    return to_addresses(*list);
  }
  ASSIGN_OR_RETURN(auto lookup, Lookup::start(host, port));
  auto waited = waiter.wait(lookup->done_fd(), POLLIN, limits);
  if (!waited.ok()) {
    given_up_lookups().add(std::move(lookup));
    return std::move(waited).error();
  }
  ASSIGN_OR_RETURN(const AddressList list, lookup->take_list());
  return to_addresses(list);
}

}  // namespace drainer::rpc
