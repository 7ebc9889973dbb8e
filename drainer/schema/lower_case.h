#pragma once

#include <string>
#include <string_view>

namespace drainer::schema {

/// Unicode lower case of each character, as Go's strings.ToLower; bytes that are no UTF-8 stay.
std::string to_lower(std::string_view text);

}  // namespace drainer::schema
