#include "conf/version.h"

#include <fmt/format.h>

#include "conf/revision.h"  // made by each build

namespace drainer {

VersionInfo version_info() {
  return {
    .release = "v8.3.0", .revision = DRAINER_REVISION, .build_time = DRAINER_REVISION_TIME,
#if defined(__clang__)
    .toolchain = "C++20, clang " __clang_version__,
#else
    .toolchain = "C++20, gcc " __VERSION__,
#endif
#if defined(__aarch64__)
    .platform = "linux/arm64",
#else
    .platform = "linux/amd64",
#endif
  };
}

std::string version_text() {
  const VersionInfo info = version_info();
  return fmt::format(
      "Release Version: {}\n"
      "Git Commit Hash: {}\n"
      "Build TS: {}\n"
      "Go Version: {}\n"
      "Go OS/Arch: {}\n"
      "\n",
      info.release, info.revision, info.build_time, info.toolchain, info.platform);
}

}  // namespace drainer
