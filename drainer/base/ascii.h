#pragma once

#include <string>
#include <string_view>

namespace drainer {

/// ASCII letters in lower case, all other bytes as they are; any thread, whatever the locale.
std::string fold_case(std::string_view text);

/// Equal but for the case of ASCII letters.
bool equals_folded(std::string_view a, std::string_view b);

/// Without the blanks, tabs and line ends at both ends.
std::string_view trim_blanks(std::string_view text);

}  // namespace drainer
