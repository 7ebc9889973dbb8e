#include "drainer/server/routes.h"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>

#include <ctime>
#include <exception>
#include <optional>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace drainer::server {

namespace {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::string_body>;

std::string_view to_view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

std::string_view reason(int status) {
  return to_view(http::obsolete_reason(static_cast<http::status>(status)));
}

std::string http_date(int64_t unix_ms) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT",
                     fmt::gmtime(static_cast<std::time_t>(unix_ms / 1000)));
}

bool takes_gzip(const Parser::value_type& request) {
  for (const auto& coding : http::ext_list(request[http::field::accept_encoding])) {
    if (to_view(coding.first) != "gzip" && to_view(coding.first) != "*") continue;
    for (const auto& parameter : coding.second) {
      if (to_view(parameter.first) == "q" && to_view(parameter.second) == "0") return false;
    }
    return true;
  }
  return false;
}

// Go's answer to a request that it cannot read.
HttpAnswer bad_request(int status, std::string_view detail = {}) {
  std::string body = fmt::format("{} {}", status, reason(status));
  if (!detail.empty()) body += fmt::format(": {}", detail);
  return {.status = status,
          .fields = {{"Content-Type", "text/plain; charset=utf-8"}},
          .body = std::move(body),
          .body_type = {}};
}

class Http1Session final : public rpc::PortSession {
 public:
  Http1Session(const Handlers& handlers, const Clock& clock, Http1Limits limits)
      : handlers_(handlers), clock_(clock), limits_(limits) {
    begin_request();
  }

  Result<void> receive(ByteView bytes) override {
    if (!finished_) input_ += bytes;
    return {};
  }

  Bytes take_output() override;

  Turn turn() const override {
    return input_.empty() && !parser_->got_some() ? Turn::kIdle : Turn::kPeer;
  }
  uint64_t answered() const override { return answered_; }
  bool finished() const override { return finished_; }

 private:
  Bytes answer_request();
  Bytes refuse(const boost::system::error_code& error);
  Bytes render(const HttpAnswer& answer, bool with_body, bool keep_alive, bool old_version);
  void begin_request() {
    parser_.emplace();
    parser_->eager(true);
    parser_->header_limit(limits_.header_bytes_max);
    parser_->body_limit(limits_.body_bytes_max);
    continue_sent_ = false;
  }

  const Handlers& handlers_;
  const Clock& clock_;
  const Http1Limits limits_;
  std::optional<Parser> parser_;
  Bytes input_;  ///< not yet parsed
  bool continue_sent_ = false;
  bool finished_ = false;
  uint64_t answered_ = 0;
};

// One request per call: the next one waits until the answer has gone.
Bytes Http1Session::take_output() {
  if (finished_ || input_.empty()) return {};
  boost::system::error_code error;
  const size_t used = parser_->put(boost::asio::buffer(input_), error);
  input_.erase(0, used);
  if (error && error != http::error::need_more) return refuse(error);
  if (parser_->is_done()) return answer_request();
  const auto expect =
      parser_->is_header_done() ? parser_->get()[http::field::expect] : boost::beast::string_view();
  if (continue_sent_ || !boost::beast::iequals(expect, "100-continue")) return {};
  continue_sent_ = true;
  return "HTTP/1.1 100 Continue\r\n\r\n";
}

Bytes Http1Session::answer_request() {
  const Parser::value_type& request = parser_->get();
  const bool old_version = request.version() < 11;
  if (!old_version && request.count(http::field::host) == 0) {
    finished_ = true;
    return render(bad_request(400, "missing required Host header"), /*with_body=*/true,
                  /*keep_alive=*/false, /*old_version=*/false);
  }
  const HttpAnswer answer = handlers_.answer({.method = to_view(request.method_string()),
                                              .target = to_view(request.target()),
                                              .takes_gzip = takes_gzip(request)});
  const bool keep_alive = request.keep_alive();
  const bool with_body = request.method() != http::verb::head;
  finished_ = !keep_alive;
  ++answered_;
  Bytes out = render(answer, with_body, keep_alive, old_version);
  begin_request();
  return out;
}

Bytes Http1Session::refuse(const boost::system::error_code& error) {
  finished_ = true;
  input_.clear();
  const int status = error == http::error::header_limit ? 431
                     : error == http::error::body_limit ? 413
                                                        : 400;
  return render(bad_request(status), /*with_body=*/true, /*keep_alive=*/false,
                /*old_version=*/false);
}

// The fields in the order of Go's server: those of the handler, Date, Content-Length, the others.
Bytes Http1Session::render(const HttpAnswer& answer, bool with_body, bool keep_alive,
                           bool old_version) {
  Bytes out =
      fmt::format("HTTP/1.{} {} {}\r\n", old_version ? 0 : 1, answer.status, reason(answer.status));
  for (const auto& [name, value] : answer.fields) out += fmt::format("{}: {}\r\n", name, value);
  out += fmt::format("Date: {}\r\nContent-Length: {}\r\n", http_date(clock_.unix_ms()),
                     answer.body.size());
  if (!answer.body_type.empty()) out += fmt::format("Content-Type: {}\r\n", answer.body_type);
  if (!keep_alive && !old_version) out += "Connection: close\r\n";
  if (keep_alive && old_version) out += "Connection: keep-alive\r\n";
  out += "\r\n";
  if (with_body) out += answer.body;
  return out;
}

}  // namespace

std::unique_ptr<rpc::PortSession> open_http1_session(const Handlers& handlers, const Clock& clock,
                                                     Http1Limits limits) {
  return std::make_unique<Http1Session>(handlers, clock, limits);
}

}  // namespace drainer::server
