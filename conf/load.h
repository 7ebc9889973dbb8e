#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "conf/options.h"
#include "drainer/base/result.h"

namespace drainer {

/// Reads an environment variable; a test gives a map.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

/// Reads this process's.
std::optional<std::string> process_environment(std::string_view name);

/// The command line asked for something other than running: print `text`, exit with `code`.
struct PrintAndExit {
  std::string text;
  bool to_stderr = false;
  int code = 0;
};

/// Command line, environment, file and defaults to Options, in that precedence
/// (spec/drainer-process.md 1.1). `arguments` are without the program name. Errors list every
/// problem found, one per line, with the keys' lines and nearest known keys.
Result<std::variant<Options, PrintAndExit>> load_options(const std::vector<std::string>& arguments,
                                                         const Environment& environment);

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

/// The options as one line of JSON for the log, members named as in the file, but "sycner" at the
/// top as in the original. FIX: every secret is masked.
std::string options_json(const Options& options);

}  // namespace drainer
