#include "drainer/log_setup.h"

#include "conf/version.h"
#include "drainer/base/log_control.h"

namespace drainer {

namespace {

Result<void> open(const Options& options) {
  ASSIGN_OR_RETURN(const LogLevel level, parse_log_level(options.log_level));
  if (options.log_file.empty()) return open_log({.level = level, .file = {}});
  return open_log_file(level, {.path = options.log_file,
                               .bytes_max = static_cast<uint64_t>(options.log.max_size_mib) << 20,
                               .days_max = options.log.max_days,
                               .backups_max = options.log.max_backups});
}

}  // namespace

Result<void> set_up_log(const Options& options) {
  if (Result<void> opened = open(options); !opened.ok()) {
    return std::move(opened).error().because("Failed to initialize log");
  }
  const VersionInfo version = version_info();
  log_always("Welcome to Drainer", {{"Release Version", version.release},
                                    {"Git Commit Hash", version.revision},
                                    {"Build TS", version.build_time},
                                    {"Go Version", version.toolchain},
                                    {"Go OS/Arch", version.platform}});
  return {};
}

}  // namespace drainer
