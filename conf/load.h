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

}  // namespace drainer
