#pragma once

#include <string>
#include <string_view>

namespace drainer {

/// Appends a JSON string, quotes included, as Go's encoding/json writes it: < > & as \u003c …,
/// U+2028 and U+2029 escaped, bytes that are no UTF-8 as \ufffd. Pure.
void append_json_string(std::string& out, std::string_view text);

}  // namespace drainer
