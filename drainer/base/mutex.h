#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

/// Clang's thread-safety annotations; nothing under other compilers.
#if defined(__clang__)
#define DRAINER_ANNOTATE(x) __attribute__((x))
#else
#define DRAINER_ANNOTATE(x)
#endif
#define CAPABILITY(x) DRAINER_ANNOTATE(capability(x))
#define SCOPED_CAPABILITY DRAINER_ANNOTATE(scoped_lockable)
#define GUARDED_BY(x) DRAINER_ANNOTATE(guarded_by(x))
#define REQUIRES(...) DRAINER_ANNOTATE(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) DRAINER_ANNOTATE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) DRAINER_ANNOTATE(release_capability(__VA_ARGS__))
#define EXCLUDES(...) DRAINER_ANNOTATE(locks_excluded(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS DRAINER_ANNOTATE(no_thread_safety_analysis)

namespace drainer {

/// Asks a blocking call to return early. Whatever blocks takes one.
using StopToken = std::stop_token;
using StopSource = std::stop_source;

/// The only lock of the program; every blocking point goes through here so that a simulated
/// scheduler can take its place. Any thread.
class CAPABILITY("mutex") Mutex {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// Waits for a predicate under a Mutex. What the predicate looks at changes under that mutex only.
///
/// Costs little where nobody has to wait, which is the rule between busy threads. Any thread.
class CondVar {
 public:
  /// True when `ready()` held; false when `stop` came first. The lock is held on return.
  template <class Ready>
  bool wait(Mutex& mutex, const StopToken& stop, Ready ready) REQUIRES(mutex) {
    if (ready()) return true;
    const Waiter waiter(waiters_);
    return condition_.wait(mutex, stop, ready);
  }

  /// As wait(), but also false after `limit`, in real time.
  template <class Ready>
  bool wait_for(Mutex& mutex, const StopToken& stop, std::chrono::nanoseconds limit, Ready ready)
      REQUIRES(mutex) {
    if (ready()) return true;
    const Waiter waiter(waiters_);
    return condition_.wait_for(mutex, stop, limit, ready);
  }

  void notify_one() {
    if (waiters_.load(std::memory_order_relaxed) > 0) condition_.notify_one();
  }
  void notify_all() {
    if (waiters_.load(std::memory_order_relaxed) > 0) condition_.notify_all();
  }

 private:
  /// Counted under the mutex, before the predicate is looked at again: who changes what it looks at
  /// either is seen by it or sees the count.
  class Waiter {
   public:
    explicit Waiter(std::atomic<int>& waiters) : waiters_(waiters) {
      waiters_.fetch_add(1, std::memory_order_relaxed);
    }
    ~Waiter() { waiters_.fetch_sub(1, std::memory_order_relaxed); }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

   private:
    std::atomic<int>& waiters_;
  };

  std::atomic<int> waiters_ = 0;
  std::condition_variable_any condition_;
};

}  // namespace drainer
