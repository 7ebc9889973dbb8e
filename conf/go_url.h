#pragma once

#include <string>
#include <string_view>

#include "drainer/base/result.h"

/// Addresses as Go's net/url and net packages read them, with their error texts. Pure functions.
namespace drainer::conf {

/// The parts of a URL that our checks look at.
struct GoUrl {
  std::string scheme;  ///< lower case; empty when there is none
  std::string host;    ///< with port, without user
  std::string path;
  std::string text;  ///< the whole, scheme in lower case
};

/// url.Parse. Errors: `parse "…": …`; a password in the text is masked.
Result<GoUrl> parse_go_url(std::string_view text);

struct HostPort {
  std::string host;
  std::string port;
};

/// net.SplitHostPort. Errors: `address …: missing port in address` and the like.
Result<HostPort> split_host_port(std::string_view address);

/// `text` with the password of each "//user:password@" replaced, for logs and messages. A password
/// may hold commas: what stands between a colon and the last @ before a slash is taken for one.
std::string mask_url_passwords(std::string_view text);

/// The same for the text of one address, which may lack its scheme, and whose password may hold
/// anything.
std::string mask_address_password(std::string_view text);

}  // namespace drainer::conf
