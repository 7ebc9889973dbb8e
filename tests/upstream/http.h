#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "drainer/base/bytes.h"

namespace drainer::upstream {

struct HttpRequest {
  std::string method;
  std::string path;   ///< decoded, without the query
  std::string query;  ///< decoded; `+` is a space
  Bytes body;
  bool keep_alive = true;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json; charset=UTF-8";
  Bytes body{};
};

using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

/// Takes one HTTP/1.1 request off the front of `input`, when it is there in full.
///
/// Sets `broken` when the bytes can never become a request. Chunked bodies are not understood.
std::optional<HttpRequest> take_http_request(Bytes& input, bool& broken);

Bytes format_http_response(const HttpResponse& response, bool keep_alive);

/// A JSON string literal of `text`.
std::string json_string(std::string_view text);

}  // namespace drainer::upstream
