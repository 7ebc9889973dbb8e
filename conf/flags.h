#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/key_table.h"
#include "drainer/base/result.h"

/// The command line in the syntax of Go's package flag (spec/drainer-process.md 1.2, 1.3). Pure.
namespace drainer::conf {

/// What the command line says.
struct CommandLine {
  struct Assignment {
    const Key<Draft>* key;
    std::string value;  ///< accepted by set_from_text()
  };
  std::vector<Assignment> assignments;  ///< in order; the last one of a flag wins
  std::vector<std::string> positional;  ///< the first argument that is no flag, and all after it
  bool help = false;                    ///< -h or -help came before any mistake
};

/// Reads the arguments (without the program name) up to the first mistake; the error is the one
/// line that Go prints above the usage.
Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments);

/// Sets one option from the text of a flag or environment variable. Errors: "parse error",
/// "value out of range". Only for keys that have a flag.
Result<void> set_from_text(const Key<Draft>& key, std::string_view text, Draft& draft);

/// A flag that may stand without a value.
bool is_boolean(const Key<Draft>& key);

/// The text of -help: all flags in byte order, with the defaults that `defaults` holds.
std::string usage_text(const Draft& defaults);

/// All keys that have a flag, by flag name in byte order.
std::vector<const Key<Draft>*> flags_in_order();

}  // namespace drainer::conf
