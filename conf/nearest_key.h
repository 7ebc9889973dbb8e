#pragma once

#include <string>
#include <string_view>

namespace drainer::conf {

/// The known key most like `path`, when one is near: the same name in another table counts as near.
/// Empty when none is.
std::string nearest_key(std::string_view path);

}  // namespace drainer::conf
