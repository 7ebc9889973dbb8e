#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "drainer/base/bytes.h"

namespace drainer {

enum class Base64Alphabet {
  kStandard,  ///< with + and /, padded
  kUrl,       ///< with - and _, without padding
};

void append_base64(std::string& out, ByteView bytes,
                   Base64Alphabet alphabet = Base64Alphabet::kStandard);

/// Appends the bytes of a text in the padded standard alphabet; line ends in it are skipped, as Go
/// does. Gives the place of the first fault, after which `out` holds what came before; the length
/// of the text where its end is missing.
std::optional<size_t> decode_base64(std::string_view text, Bytes& out);

}  // namespace drainer
