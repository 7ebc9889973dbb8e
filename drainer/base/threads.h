#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "drainer/base/mutex.h"
#include "drainer/base/result.h"

namespace drainer {

/// The only place where threads start; each has a name and a body that returns a Result.
///
/// The first body that fails stops the group, and wait() returns that error. A body that ends well
/// stops nobody. kStopped after a stop request counts as a good end. Any thread may start and stop.
class ThreadGroup {
 public:
  using Body = std::function<Result<void>(StopToken)>;

  ThreadGroup() = default;
  /// `on_failure` is called once, by the failing thread, after the group was asked to stop.
  explicit ThreadGroup(std::function<void()> on_failure) : on_failure_(std::move(on_failure)) {}
  ThreadGroup(const ThreadGroup&) = delete;
  ThreadGroup& operator=(const ThreadGroup&) = delete;
  /// Stops and joins what still runs.
  ~ThreadGroup();

  /// Starts a thread called `name` (the kernel shows the first 15 bytes), and frees those of the
  /// group that have ended. One that cannot be started counts as one whose body failed.
  void start(std::string name, Body body) EXCLUDES(mutex_);

  /// Asks all bodies to return; idempotent.
  void request_stop() { stop_.request_stop(); }
  StopToken stop_token() const { return stop_.get_token(); }

  /// Joins all threads, also those started meanwhile; the first error, if there was one.
  Result<void> wait() EXCLUDES(mutex_);

 private:
  struct Thread {
    std::thread thread;
    std::atomic<bool> has_ended = false;
  };

  void run(const std::string& name, const Body& body) EXCLUDES(mutex_);
  void join_ended() REQUIRES(mutex_);
  void fail(Error error) EXCLUDES(mutex_);

  const std::function<void()> on_failure_;
  StopSource stop_;
  Mutex mutex_;
  std::list<std::unique_ptr<Thread>> threads_ GUARDED_BY(mutex_);
  std::optional<Error> first_error_ GUARDED_BY(mutex_);
};

}  // namespace drainer
