#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "drainer/base/result.h"

namespace drainer::conf {

/// One argument of a command line. Its texts live as long as the arguments.
struct FlagToken {
  std::string_view text;                  ///< all of it
  std::string_view name;                  ///< of a flag, without dashes; empty: it is no flag
  std::optional<std::string_view> value;  ///< what stands behind "="

  bool is_flag() const { return !name.empty(); }
};

/// Cuts a command line in the syntax of Go's package flag: -x, --x, -x=v, "--" ends the flags. One
/// thread; the arguments must outlive it.
class FlagTokens {
 public:
  explicit FlagTokens(std::span<const std::string> arguments) : rest_(arguments) {}

  /// The next argument, "--" left out; nothing at the end. kInvalid: a flag without a name.
  Result<std::optional<FlagToken>> next();

  /// What a flag that next() has given is set to: its own value, else "true" if it is boolean, else
  /// the next argument. kInvalid: there is none.
  Result<std::string> value_of(const FlagToken& flag, bool is_boolean);

  /// The arguments that next() has not reached.
  std::span<const std::string> rest() const { return rest_; }

 private:
  std::span<const std::string> rest_;
  bool is_behind_flags_ = false;
};

/// For a flag that nobody knows.
Error unknown_flag(std::string_view name);

}  // namespace drainer::conf
