#pragma once

#include <string>

namespace drainer::fakes {

/// The word behind `prefix` in a line of "key=value" words, such as upstream_sim's first; empty
/// without it.
std::string word_after(const std::string& line, const std::string& prefix);

/// The value of "key": "value" in a small JSON document, such as capture.json; empty without it.
std::string json_text(const std::string& json, const std::string& key);

}  // namespace drainer::fakes
