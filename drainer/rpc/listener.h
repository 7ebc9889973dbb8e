#pragma once

#include <memory>
#include <optional>
#include <string>

#include "drainer/base/file_descriptor.h"
#include "drainer/rpc/io_wait.h"

namespace drainer::rpc {

/// A TCP port that takes connections. One thread.
class Listener {
 public:
  /// Binds "host:port"; connections are refused until listen(). Empty host: all addresses of this
  /// machine; port 0: any. Errors have Go's words: `listen tcp 127.0.0.1:8249: bind: address
  /// already in use`.
  static Result<std::unique_ptr<Listener>> open(const std::string& address, const IoLimits& limits);

  /// From now on connections come. Error: somebody else who had bound the port was faster.
  Result<void> listen();

  int fd() const { return fd_.get(); }
  /// The port that was bound.
  uint16_t port() const { return port_; }

  /// The next connection, non-blocking; nothing when none waits. Error: out of descriptors or
  /// memory; worth another try later.
  Result<std::optional<FileDescriptor>> try_accept();

 private:
  Listener(std::string address, FileDescriptor fd, uint16_t port)
      : address_(std::move(address)), fd_(std::move(fd)), port_(port) {}

  const std::string address_;  ///< as given
  FileDescriptor fd_;
  const uint16_t port_;
};

}  // namespace drainer::rpc
