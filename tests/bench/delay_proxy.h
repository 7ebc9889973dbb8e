#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <thread>

#include "tests/bench/recording.h"

namespace drainer::bench {

/// A TCP relay to a server on 127.0.0.1 in front of which a network lies: each piece of a request
/// arrives `delay` later, answers at once. Counts the requests. Any thread.
///
/// With a `recording` it also writes down the statements that pass; the recording may be read once
/// the proxy is gone.
class DelayProxy {
 public:
  DelayProxy(uint16_t target_port, std::chrono::microseconds delay, Recording* recording = nullptr);
  ~DelayProxy();
  DelayProxy(const DelayProxy&) = delete;
  DelayProxy& operator=(const DelayProxy&) = delete;

  uint16_t port() const { return port_; }
  /// How often a client began to send after an answer.
  uint64_t round_trips() const { return round_trips_; }

 private:
  void accept_loop();
  void relay(int client, int server);

  const uint16_t target_port_;
  const std::chrono::microseconds delay_;
  Recording* const recording_;
  uint16_t port_ = 0;
  int listen_fd_ = -1;
  int stop_fd_ = -1;
  std::atomic<uint64_t> round_trips_{0};
  std::list<std::thread> relays_;  ///< of the accepting thread until that has ended
  std::thread acceptor_;
};

}  // namespace drainer::bench
