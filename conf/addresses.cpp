#include "conf/addresses.h"

#include <arpa/inet.h>

#include <algorithm>

#include "conf/go_text.h"
#include "conf/go_url.h"
#include "drainer/base/ascii.h"
#include "drainer/base/log.h"

namespace drainer::conf {

namespace {

// KEEP: a scheme is put in front without a look, so that "http://host:1" passes and fails later.
void check_addr(std::string_view name, const std::string& addr, bool has_tls, Problems& problems) {
  const std::string text = (has_tls ? "https://" : "http://") + addr;
  const Result<GoUrl> url = parse_go_url(text);
  if (!url) {
    return problems.add("invalid {}: failed to parse addr {}: {}", name, mask_url_passwords(text),
                        url.error().to_string());
  }
  const Result<HostPort> split = split_host_port(url->host);
  if (!split) {
    return problems.add("invalid {}: invalid host {}: {}", name, url->host,
                        split.error().to_string());
  }
  in_addr v4{};
  in6_addr v6{};
  const std::string& host = split->host;
  const bool loopback =
      (::inet_pton(AF_INET, host.c_str(), &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127) ||
      (::inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6));
  if (host.empty() || host == "localhost" || loopback) {
    log_warn("pump may not be able to access drainer using this addr",
             {{"listen addr", mask_url_passwords(text)}});
  }
}

void check_pd_urls(Options& options, Problems& problems) {
  for (const std::string& part : split(options.pd_urls, ',')) {
    const std::string_view text = trim_blanks(part);
    const auto fail = [&](std::string_view cause) {
      problems.add("parse EtcdURLs error: {}, {}", mask_address_password(options.pd_urls), cause);
    };
    const Result<GoUrl> url = parse_go_url(text);
    const std::string shown = mask_url_passwords(text);
    if (!url) {
      fail(url.error().to_string());
    } else if (url->scheme != "http" && url->scheme != "https" && url->scheme != "unix" &&
               url->scheme != "unixs") {
      fail("URL scheme must be http, https, unix, or unixs: " + shown);
    } else if (!split_host_port(url->host)) {
      fail("URL address does not have the form \"host:port\": " + shown);
    } else if (!url->path.empty()) {
      fail("URL must not contain a path: " + shown);
    } else {
      // Without a user, whom PD's clients do not send.
      options.pd_url_list.push_back(fmt::format("{}://{}", url->scheme, url->host));
    }
  }
  std::ranges::sort(options.pd_url_list);
}

}  // namespace

void check_addresses(Options& options, Problems& problems) {
  const bool has_tls = !options.security.ssl_ca.empty();
  check_addr("addr", options.addr, has_tls, problems);
  if (options.advertise_addr != options.addr) {
    check_addr("advertise-addr", options.advertise_addr, has_tls, problems);
  }
  check_pd_urls(options, problems);
}

}  // namespace drainer::conf
