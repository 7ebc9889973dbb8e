#include "drainer/standard_output.h"

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace drainer {

namespace {

Error output_error() {
  return make_error(ErrorCode::kUnavailable, "write to standard output: {}",
                    std::generic_category().message(errno));
}

}  // namespace

Result<void> write_output(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) return output_error();
  return {};
}

Result<void> flush_output() {
  if (std::fflush(stdout) != 0) return output_error();
  return {};
}

}  // namespace drainer
