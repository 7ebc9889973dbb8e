#include "drainer/base/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "drainer/base/log_control.h"

namespace drainer::internal {

void check_failed(const char* condition, const char* file, int line, const std::string& text) {
  std::fprintf(stderr, "%s:%d: CHECK(%s) failed: %s\n", file, line, condition, text.c_str());
  // What the log needs may be what is broken: a second failure only aborts.
  static std::atomic<bool> is_failing = false;
  if (!is_failing.exchange(true)) {
    log_last_words(fmt::format("CHECK({}) failed: {}", condition, text), file,
                   static_cast<uint32_t>(line));
  }
  std::abort();
}

}  // namespace drainer::internal
