#include "conf/go_url.h"

#include <cctype>
#include <utility>

#include "conf/go_text.h"

namespace drainer::conf {

namespace {

Error url_error(std::string text) {
  return Error(ErrorCode::kInvalid, std::move(text));
}

bool is_hex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

// Bytes that may stand in a host name without an escape; the rest of ASCII is refused.
bool host_byte_allowed(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0 ||
         std::string_view("-_.~!$&'()*+,;=:[]<>\"").find(c) != std::string_view::npos;
}

Result<void> check_escapes(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') continue;
    if (i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2])) continue;
    return url_error("invalid URL escape " + go_quote(text.substr(i, 3)));
  }
  return {};
}

Result<void> check_host_bytes(std::string_view host) {
  TRY(check_escapes(host));
  for (size_t i = 0; i < host.size(); ++i) {
    // In a host only "%25" and bytes beyond ASCII may be escaped.
    if (host[i] == '%') {
      if (host[i + 1] < '8' && host.substr(i, 3) != "%25") {
        return url_error("invalid URL escape " + go_quote(host.substr(i, 3)));
      }
      i += 2;
    } else if (!host_byte_allowed(host[i])) {
      return url_error("invalid character " + go_quote(host.substr(i, 1)) + " in host name");
    }
  }
  return {};
}

// ":123", ":" or nothing.
Result<void> check_optional_port(std::string_view colon_port) {
  if (colon_port.empty()) return {};
  bool valid = colon_port[0] == ':';
  for (const char c : colon_port.substr(1)) valid = valid && c >= '0' && c <= '9';
  if (valid) return {};
  return url_error("invalid port " + go_quote(colon_port) + " after host");
}

Result<void> check_host(std::string_view host) {
  if (host.starts_with('[')) {
    const size_t end = host.rfind(']');
    if (end == std::string_view::npos) return url_error("missing ']' in host");
    TRY(check_optional_port(host.substr(end + 1)));
  } else if (const size_t colon = host.rfind(':'); colon != std::string_view::npos) {
    TRY(check_optional_port(host.substr(colon)));
  }
  return check_host_bytes(host);
}

Result<void> check_user(std::string_view user) {
  for (const char c : user) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 &&
        std::string_view("-._:~!$&'()*+,;=%@").find(c) == std::string_view::npos) {
      return url_error("net/url: invalid userinfo");
    }
  }
  return check_escapes(user);
}

// Takes "scheme:" off `rest`.
Result<std::string> take_scheme(std::string_view& rest) {
  std::string scheme;
  for (size_t i = 0; i < rest.size(); ++i) {
    const char c = rest[i];
    if (c == ':') {
      if (i == 0) return url_error("missing protocol scheme");
      rest.remove_prefix(i + 1);
      return scheme;
    }
    const bool letter = std::isalpha(static_cast<unsigned char>(c)) != 0;
    const bool later = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    if (!letter && (!later || i == 0)) return std::string();
    scheme += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return std::string();
}

Result<GoUrl> parse_parts(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return url_error("net/url: invalid control character in URL");
    }
  }
  GoUrl url;
  std::string_view rest = text;
  ASSIGN_OR_RETURN(url.scheme, take_scheme(rest));
  url.text = url.scheme.empty() ? std::string(text) : url.scheme + ":" + std::string(rest);
  rest = rest.substr(0, rest.find('?'));
  if (!rest.starts_with('/')) {
    if (!url.scheme.empty()) return url;  // opaque, as in "mailto:x"
    if (rest.substr(0, rest.find('/')).find(':') != std::string_view::npos) {
      return url_error("first path segment in URL cannot contain colon");
    }
  }
  if (rest.starts_with("//") && (!url.scheme.empty() || !rest.starts_with("///"))) {
    rest.remove_prefix(2);
    std::string_view authority = rest.substr(0, rest.find('/'));
    rest.remove_prefix(authority.size());
    const size_t at = authority.rfind('@');
    const std::string_view host =
        at == std::string_view::npos ? authority : authority.substr(at + 1);
    TRY(check_host(host));
    if (at != std::string_view::npos) TRY(check_user(authority.substr(0, at)));
    url.host = std::string(host);
  }
  TRY(check_escapes(rest));
  url.path = std::string(rest);
  return url;
}

}  // namespace

Result<GoUrl> parse_go_url(std::string_view text) {
  const std::string_view without_fragment = text.substr(0, text.find('#'));
  Result<GoUrl> url = parse_parts(without_fragment);
  if (url) return url;
  return std::move(url).error().because("parse {}", go_quote(mask_url_passwords(without_fragment)));
}

Result<HostPort> split_host_port(std::string_view address) {
  const auto fail = [&](std::string_view cause) {
    return url_error(address.empty() ? std::string(cause)
                                     : fmt::format("address {}: {}", address, cause));
  };
  constexpr std::string_view kMissingPort = "missing port in address";
  constexpr std::string_view kTooManyColons = "too many colons in address";
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return fail(kMissingPort);
  std::string_view host = address.substr(0, colon);
  size_t open_from = 0;   // where a further '[' may not stand
  size_t close_from = 0;  // where a further ']' may not stand
  if (address[0] == '[') {
    const size_t end = address.find(']');
    if (end == std::string_view::npos) return fail("missing ']' in address");
    if (end + 1 == address.size()) return fail(kMissingPort);
    if (end + 1 != colon) return fail(address[end + 1] == ':' ? kTooManyColons : kMissingPort);
    host = address.substr(1, end - 1);
    open_from = 1;
    close_from = end + 1;
  } else if (host.find(':') != std::string_view::npos) {
    return fail(kTooManyColons);
  }
  if (address.find('[', open_from) != std::string_view::npos) {
    return fail("unexpected '[' in address");
  }
  if (address.find(']', close_from) != std::string_view::npos) {
    return fail("unexpected ']' in address");
  }
  return HostPort{std::string(host), std::string(address.substr(colon + 1))};
}

std::string mask_url_passwords(std::string_view text) {
  if (text.find("//") == std::string_view::npos) return mask_address_password(text);
  std::string out;
  while (!text.empty()) {
    const size_t start = text.find("//");
    if (start == std::string_view::npos) break;
    out += text.substr(0, start + 2);
    text.remove_prefix(start + 2);
    const std::string_view authority = text.substr(0, text.find_first_of("/?#"));
    const size_t at = authority.rfind('@');
    const size_t colon = authority.find(':');
    if (at == std::string_view::npos || colon >= at) continue;
    out += authority.substr(0, colon);
    out += ":******";
    text.remove_prefix(at);
  }
  return out + std::string(text);
}

std::string mask_address_password(std::string_view text) {
  size_t colon = text.find(':');
  if (colon != std::string_view::npos && text.substr(colon).starts_with("://")) {
    colon = text.find(':', colon + 3);
  }
  const size_t at = text.rfind('@');
  if (colon == std::string_view::npos || at == std::string_view::npos || colon > at) {
    return std::string(text);
  }
  return std::string(text.substr(0, colon)) + ":******" + std::string(text.substr(at));
}

}  // namespace drainer::conf
