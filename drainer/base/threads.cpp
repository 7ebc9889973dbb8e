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
    threads_.emplace_back(
        [this, name = std::move(name), body = std::move(body)] { run(name, body); });
  } catch (const std::system_error& e) {
    fail(make_error(ErrorCode::kUnavailable,
                    "cannot start thread {}: {}; raise the limit of threads (ulimit -u, TasksMax, "
                    "pids.max), or lower worker-count",
                    shown, e.what()));
  }
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
    std::thread next;
    {
      MutexLock lock(mutex_);
      if (threads_.empty()) {
        if (first_error_) return *first_error_;
        return {};
      }
      next = std::move(threads_.front());
      threads_.pop_front();
    }
    next.join();
  }
}

}  // namespace drainer
