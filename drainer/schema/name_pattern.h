#pragma once

#include <bitset>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/result.h"

namespace drainer::schema {

/// A name with wildcards, byte by byte (spec/schema-and-ddl.md 5.4): `?` one byte, `[a-z]` and
/// `[!a-z]` one of a class, `*` the rest, only at the end. Immutable; any thread.
class NamePattern {
 public:
  /// kInvalid if a `*` is not the last character.
  static Result<NamePattern> parse(std::string_view pattern);

  bool matches(std::string_view name) const;

 private:
  using ByteSet = std::bitset<256>;

  static ByteSet parse_class(std::string_view members);

  std::vector<ByteSet> bytes_;  ///< what each byte may be
  bool is_prefix_ = false;      ///< ends in '*'
};

}  // namespace drainer::schema
