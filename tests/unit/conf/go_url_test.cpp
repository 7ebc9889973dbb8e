#include "conf/go_url.h"

#include <catch2/catch.hpp>

namespace drainer::conf {

TEST_CASE("go url: scheme, host and path come apart as in net/url") {
  const GoUrl url = *parse_go_url("HTTPS://user:secret@pd.example:2379/a?b#c");
  CHECK(url.scheme == "https");
  CHECK(url.host == "pd.example:2379");
  CHECK(url.path == "/a");
  CHECK(url.text == "https://user:secret@pd.example:2379/a?b");
  CHECK(parse_go_url("http://[::1]:2379")->host == "[::1]:2379");
  CHECK(parse_go_url("unix://a.sock:1")->host == "a.sock:1");
  CHECK(parse_go_url("mailto:x")->host.empty());
}

TEST_CASE("go url: refusals have the words of net/url") {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"127.0.0.1:2379",
       "parse \"127.0.0.1:2379\": first path segment in URL cannot contain colon"},
      {":2379", "parse \":2379\": missing protocol scheme"},
      {"http://a:b", "parse \"http://a:b\": invalid port \":b\" after host"},
      {"http://[::1", "parse \"http://[::1\": missing ']' in host"},
      {"http://[::1]x", "parse \"http://[::1]x\": invalid port \"x\" after host"},
      {"http://a b:1", "parse \"http://a b:1\": invalid character \" \" in host name"},
      {"http://a%41:1", "parse \"http://a%41:1\": invalid URL escape \"%41\""},
      {"http://a:1/%zz", "parse \"http://a:1/%zz\": invalid URL escape \"%zz\""},
      {"http://a\n:1", "parse \"http://a\\n:1\": net/url: invalid control character in URL"},
      {"http://u:p w@a:1", "parse \"http://u:******@a:1\": net/url: invalid userinfo"},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    const Result<GoUrl> url = parse_go_url(text);
    REQUIRE_FALSE(url.ok());
    CHECK(url.error().to_string() == expected);
  }
}

TEST_CASE("go url: host and port come apart as in net.SplitHostPort") {
  CHECK(split_host_port("a:1")->host == "a");
  CHECK(split_host_port("a:1")->port == "1");
  CHECK(split_host_port(":1")->host.empty());
  CHECK(split_host_port("a:")->port.empty());
  CHECK(split_host_port("[::1]:80")->host == "::1");
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "missing port in address"},
      {"a", "address a: missing port in address"},
      {"[::1]", "address [::1]: missing port in address"},
      {"[::1", "address [::1: missing ']' in address"},
      {"::1", "address ::1: too many colons in address"},
      {"[::1]:1:2", "address [::1]:1:2: too many colons in address"},
      {"[::1]x:2", "address [::1]x:2: missing port in address"},
      {"[[]:1", "address [[]:1: unexpected '[' in address"},
      {"a]:1", "address a]:1: unexpected ']' in address"},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    CHECK(split_host_port(text).error().to_string() == expected);
  }
}

TEST_CASE("go url: passwords are masked wherever a URL stands") {
  CHECK(mask_url_passwords("http://u:p@a:1,https://b:2,http://v:q@c") ==
        "http://u:******@a:1,https://b:2,http://v:******@c");
  CHECK(mask_url_passwords("http://a:1/x@y") == "http://a:1/x@y");
  CHECK(mask_url_passwords("no url") == "no url");
  CHECK(mask_url_passwords("http://a:1,http://u:p,q@b:2") == "http://a:1,http://u:******@b:2");
  CHECK(mask_address_password("u:p@a:1") == "u:******@a:1");
  CHECK(mask_address_password("https://u:p:/,@q@a:1") == "https://u:******@a:1");
  CHECK(mask_address_password("u@a:1") == "u@a:1");
  CHECK(mask_address_password("http://a:1") == "http://a:1");
}

}  // namespace drainer::conf
