#pragma once

#include <optional>
#include <string>

namespace drainer::test {

/// A file that was recorded from a running Go drainer; nothing, with a warning in the test's
/// output, where the recordings are absent.
std::optional<std::string> recorded(const std::string& name);

/// What follows the empty line behind the header fields.
std::string body_of(const std::string& http_answer);

}  // namespace drainer::test
