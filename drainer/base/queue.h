#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

#include "drainer/base/deque.h"
#include "drainer/base/mutex.h"

namespace drainer {

/// How much a BoundedQueue may hold. An item larger than `bytes` passes when the queue is empty.
struct QueueLimits {
  size_t items;
  size_t bytes;
};

/// Hands items from one set of threads to another, in order, with limits in items and bytes.
///
/// Producers that found it full go on when half of it has been taken, so that the sides do not wake
/// each other for every item: who takes items must not wait for the producer with half of them
/// left.
///
/// close() means "no more input": pop() gives the rest, then nothing. Any thread.
template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(QueueLimits limits) : limits_(limits) {}

  /// Blocks while full. False (item dropped) when `stop` came first or the queue is closed.
  [[nodiscard]] bool push(T item, size_t size_bytes, const StopToken& stop) EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      const bool ready = has_room_.wait(mutex_, stop, [&]() NO_THREAD_SAFETY_ANALYSIS {
        return closed_ || items_.empty() ||
               (items_.size() < limits_.items && bytes_ + size_bytes <= limits_.bytes);
      });
      if (!ready || closed_) return false;
      items_.emplace_back(std::move(item), size_bytes);
      bytes_ += size_bytes;
    }
    // Who is woken finds the mutex free.
    has_items_.notify_one();
    return true;
  }

  /// Blocks while empty. Nothing when `stop` came first, or closed and drained.
  [[nodiscard]] std::optional<T> pop(const StopToken& stop) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    const bool ready = has_items_.wait(
        mutex_, stop, [&]() NO_THREAD_SAFETY_ANALYSIS { return closed_ || !items_.empty(); });
    if (!ready || items_.empty()) return std::nullopt;
    return take_front();
  }

  /// As pop(), but also nothing when there was none for `limit`, in real time; is_drained() tells
  /// this from an end.
  [[nodiscard]] std::optional<T> pop_for(std::chrono::nanoseconds limit, const StopToken& stop)
      EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    const bool ready = has_items_.wait_for(mutex_, stop, limit, [&]() NO_THREAD_SAFETY_ANALYSIS {
      return closed_ || !items_.empty();
    });
    if (!ready || items_.empty()) return std::nullopt;
    return take_front();
  }

  /// As pop(), but nothing when there is no item right now.
  [[nodiscard]] std::optional<T> try_pop() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (items_.empty()) return std::nullopt;
    return take_front();
  }

  void close() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    closed_ = true;
    has_items_.notify_all();
    has_room_.notify_all();
  }

  /// Closed, and the rest has been taken.
  bool is_drained() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return closed_ && items_.empty();
  }

  size_t size() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return items_.size();
  }

 private:
  T take_front() REQUIRES(mutex_) {
    auto [item, size_bytes] = std::move(items_.front());
    items_.pop_front();
    bytes_ -= size_bytes;
    if (items_.size() <= limits_.items / 2 && bytes_ <= limits_.bytes / 2) has_room_.notify_all();
    return std::move(item);
  }

  const QueueLimits limits_;
  mutable Mutex mutex_;
  CondVar has_items_;
  CondVar has_room_;
  Deque<std::pair<T, size_t>> items_ GUARDED_BY(mutex_);
  size_t bytes_ GUARDED_BY(mutex_) = 0;
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace drainer
