#pragma once

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "drainer/base/mutex.h"

namespace drainer::fakes {

/// A TCP relay to a server on 127.0.0.1 that can cut a connection at a chosen request. Any thread.
class TcpProxy {
 public:
  enum class Cut : uint8_t {
    kNone,
    kRequest,  ///< the request does not reach the server
    kAnswer,   ///< the server gets it and answers, the client does not see the answer
  };

  explicit TcpProxy(uint16_t target_port);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  uint16_t port() const { return port_; }
  /// Cuts the next connection whose client sends bytes that contain `marker`; once.
  void arm(Cut cut, std::string marker) EXCLUDES(mutex_);
  /// Number of cuts so far.
  int cuts() const EXCLUDES(mutex_);

 private:
  void accept_loop();
  void relay(int client, int server);
  /// Takes the armed cut if `bytes` match it.
  Cut take_cut(std::string_view bytes) EXCLUDES(mutex_);

  const uint16_t target_port_;
  uint16_t port_ = 0;
  int listen_fd_ = -1;
  int stop_fd_ = -1;

  mutable Mutex mutex_;
  Cut cut_ GUARDED_BY(mutex_) = Cut::kNone;
  std::string marker_ GUARDED_BY(mutex_);
  int cuts_ GUARDED_BY(mutex_) = 0;
  std::vector<std::thread> relays_;  ///< of the accepting thread until that has ended
  std::thread acceptor_;
};

}  // namespace drainer::fakes
