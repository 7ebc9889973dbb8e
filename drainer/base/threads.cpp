#include "drainer/base/threads.h"

#include <pthread.h>

#include <system_error>

namespace drainer {

ThreadGroup::~ThreadGroup() {
  request_stop();
  (void)wait();
}

void ThreadGroup::start(std::string name, Body body) {
  const std::string shown = name;
  try {
    MutexLock lock(mutex_);
    join_ended();
    auto added = std::make_unique<Thread>();
    added->thread =
        std::thread([this, self = added.get(), name = std::move(name), body = std::move(body)] {
          run(name, body);
          self->has_ended.store(true, std::memory_order_release);
        });
    threads_.push_back(std::move(added));
  } catch (const std::system_error& e) {
    fail(make_error(ErrorCode::kUnavailable,
                    "cannot start thread {}: {}; raise the limit of threads (ulimit -u, TasksMax, "
                    "pids.max), or lower worker-count",
                    shown, e.what()));
  }
}

// Joining what has ended does not wait. A thread that is not joined keeps its stack.
void ThreadGroup::join_ended() {
  std::erase_if(threads_, [](const std::unique_ptr<Thread>& ended) {
    if (!ended->has_ended.load(std::memory_order_acquire)) return false;
    ended->thread.join();
    return true;
  });
}

void ThreadGroup::run(const std::string& name, const Body& body) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
  Result<void> result = body(stop_.get_token());
  if (result.ok()) return;
  if (result.error().code() == ErrorCode::kStopped && stop_.stop_requested()) return;
  fail(std::move(result).error());
}

void ThreadGroup::fail(Error error) {
  {
    MutexLock lock(mutex_);
    if (first_error_) return;
    first_error_ = std::move(error);
  }
  stop_.request_stop();
  if (on_failure_) on_failure_();
}

Result<void> ThreadGroup::wait() {
  while (true) {
    std::unique_ptr<Thread> next;
    {
      MutexLock lock(mutex_);
      if (threads_.empty()) {
        if (first_error_) return *first_error_;
        return {};
      }
      next = std::move(threads_.front());
      threads_.pop_front();
    }
    next->thread.join();
  }
}

}  // namespace drainer
