#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "drainer/base/file_descriptor.h"
#include "drainer/base/mutex.h"

namespace drainer::fakes {

/// Hears what passes on one connection, before the other side does. One thread.
class TcpTap {
 public:
  virtual ~TcpTap() = default;
  virtual void note_request(std::string_view bytes) = 0;
  virtual void note_answer(std::string_view bytes) = 0;
};

/// A TCP relay to a server on 127.0.0.1 that can cut a connection at a chosen request, and in front
/// of which a network can lie. Any thread.
class TcpProxy {
 public:
  enum class Cut : uint8_t {
    kNone,
    kRequest,  ///< the request does not reach the server
    kAnswer,   ///< the server gets it and answers, the client does not see the answer
  };

  struct Options {
    /// Each piece of a request arrives so much later, answers at once.
    std::chrono::microseconds delay{0};
    /// Called for each connection by a thread of the proxy's; none when empty.
    std::function<std::unique_ptr<TcpTap>()> make_tap{};
  };

  explicit TcpProxy(uint16_t target_port) : TcpProxy(target_port, Options()) {}
  TcpProxy(uint16_t target_port, Options options);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  uint16_t port() const { return port_; }
  /// How often a client began to send after an answer.
  uint64_t round_trips() const { return round_trips_; }
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
  const Options options_;
  const FileDescriptor listener_;
  const FileDescriptor stop_;
  uint16_t port_ = 0;
  std::atomic<uint64_t> round_trips_{0};

  mutable Mutex mutex_;
  Cut cut_ GUARDED_BY(mutex_) = Cut::kNone;
  std::string marker_ GUARDED_BY(mutex_);
  int cuts_ GUARDED_BY(mutex_) = 0;
  std::vector<std::thread> relays_;  ///< of the accepting thread until that has ended
  std::thread acceptor_;
};

}  // namespace drainer::fakes
