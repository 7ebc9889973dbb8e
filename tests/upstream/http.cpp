#include "tests/upstream/http.h"

#include "drainer/base/percent.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace drainer::upstream {

namespace {

constexpr size_t kHeadMax = size_t{64} << 10;
constexpr size_t kBodyMax = size_t{4} << 20;

std::string decode_query(std::string text) {
  std::ranges::replace(text, '+', ' ');
  return percent_decode_leniently(text);
}

bool equals_folded(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return std::tolower(x) == std::tolower(y); });
}

/// The value of a header, or nothing.
std::optional<std::string_view> find_header(std::string_view head, std::string_view name) {
  for (size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at)) {
    at += 2;
    const std::string_view line = head.substr(at, head.find("\r\n", at) - at);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !equals_folded(line.substr(0, colon), name)) continue;
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    return value;
  }
  return std::nullopt;
}

const char* reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    default:
      return "Internal Server Error";
  }
}

}  // namespace

std::optional<HttpRequest> take_http_request(Bytes& input, bool& broken) {
  const size_t head_end = input.find("\r\n\r\n");
  if (head_end == Bytes::npos) {
    broken = input.size() > kHeadMax;
    return std::nullopt;
  }
  const std::string_view head = std::string_view(input).substr(0, head_end);
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  size_t body_size = 0;
  if (const auto length = find_header(head, "content-length")) {
    std::from_chars(length->data(), length->data() + length->size(), body_size);
  }
  if (first == std::string_view::npos || last == first || body_size > kBodyMax) {
    broken = true;
    return std::nullopt;
  }
  if (input.size() < head_end + 4 + body_size) return std::nullopt;
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const size_t question = std::min(target.find('?'), target.size());
  const auto connection = find_header(head, "connection");
  const bool is_old = line.substr(last + 1) == "HTTP/1.0";
  HttpRequest request{
      .method = std::string(line.substr(0, first)),
      .path = decode_query(std::string(target.substr(0, question))),
      .query = decode_query(std::string(target.substr(std::min(question + 1, target.size())))),
      .body = input.substr(head_end + 4, body_size),
      .keep_alive = connection ? !equals_folded(*connection, "close") : !is_old};
  input.erase(0, head_end + 4 + body_size);
  return request;
}

Bytes format_http_response(const HttpResponse& response, bool keep_alive) {
  return fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}\r\n{}",
                     response.status, reason_of(response.status), response.content_type,
                     response.body.size(), keep_alive ? "" : "Connection: close\r\n",
                     response.body);
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
  return out + '"';
}

}  // namespace drainer::upstream
