#pragma once

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace drainer::conf {

/// What is wrong with the settings, one sentence each, in the order in which it was found.
/// One thread.
class Problems {
 public:
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    texts_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  std::vector<std::string> take() { return std::move(texts_); }

 private:
  std::vector<std::string> texts_;
};

}  // namespace drainer::conf
