#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace drainer {

/// "%41" to "A"; nothing when a '%' begins no escape.
std::optional<std::string> percent_decode(std::string_view text);
/// The same, but such a '%' stays what it is.
std::string percent_decode_leniently(std::string_view text);

/// Letters, digits and what is in `plain` stay what they are, all other bytes become "%41".
void percent_encode(std::string& out, std::string_view text, std::string_view plain);

}  // namespace drainer
