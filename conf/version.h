#pragma once

#include <string>
#include <string_view>

namespace drainer {

/// What -V and the first log line say about this build (1.12). All texts are static.
struct VersionInfo {
  std::string_view release;   ///< of the original whose behaviour this is: deployment tools read it
  std::string_view revision;  ///< commit, 40 hex digits
  std::string_view build_time;
  std::string_view toolchain;  ///< in the place of the Go version
  std::string_view platform;
};
VersionInfo version_info();

/// Version and build lines of -V (1.12).
std::string version_text();

}  // namespace drainer
