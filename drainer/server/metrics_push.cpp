#include "drainer/server/metrics_push.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "drainer/base/base64.h"
#include "drainer/base/host_port.h"
#include "drainer/base/log.h"
#include "drainer/base/metrics.h"
#include "drainer/base/parse_number.h"
#include "drainer/base/percent.h"
#include "drainer/rpc/socket.h"
#include "drainer/rpc/tls.h"
#include "drainer/server/process_metrics.h"

namespace drainer::server {

namespace {

constexpr size_t kAnswerBytesMax = 64 << 10;
/// The system's CAs, for a gateway behind https.
constexpr const char* kSystemCaFile = "/etc/ssl/certs/ca-certificates.crt";

struct Gateway {
  bool is_https = false;
  std::string host;
  uint16_t port = 0;
  /// "user:password", decoded, of what stands in front of an @; never in an error text.
  std::optional<std::string> credentials;
  std::string authority;  ///< what follows it, for the Host field
  std::string base_path;  ///< without a slash at its end
};

// The user part of a URL as Go's HTTP client takes it: the colon is there without a password too.
std::optional<std::string> decode_user(std::string_view text) {
  const size_t colon = text.find(':');
  const auto user = percent_decode(text.substr(0, colon));
  const auto password =
      percent_decode(colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1));
  if (!user || !password) return std::nullopt;
  return *user + ":" + *password;
}

Result<Gateway> parse_gateway(std::string_view address) {
  const auto wrong = [&] {
    // Without what stands in front of an @: that may be a password.
    return make_error(ErrorCode::kInvalid, "push gateway address \"{}\" is no URL",
                      address.substr(address.rfind('@') + 1));
  };
  Gateway out;
  std::string_view rest = address;
  if (const size_t scheme = address.find("://"); scheme != std::string_view::npos) {
    out.is_https = address.starts_with("https://");
    if (!out.is_https && !address.starts_with("http://")) return wrong();
    rest.remove_prefix(scheme + 3);
  }
  const size_t slash = rest.find('/');
  out.authority = std::string(rest.substr(0, slash));
  if (const size_t at = out.authority.rfind('@'); at != std::string::npos) {
    out.credentials = decode_user(std::string_view(out.authority).substr(0, at));
    if (!out.credentials) return wrong();
    out.authority.erase(0, at + 1);
  }
  if (slash != std::string_view::npos) out.base_path = std::string(rest.substr(slash));
  while (out.base_path.ends_with('/')) out.base_path.pop_back();
  std::string_view host = out.authority;
  out.port = out.is_https ? 443 : 80;
  if (const auto divided = split_host_port(host)) {
    const auto port = parse_whole<uint16_t>(divided->port);
    if (!port) return wrong();
    out.port = *port;
    host = divided->host;
  } else if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  if (host.empty()) return wrong();
  out.host = std::string(host);
  return out;
}

// As Go's url.QueryEscape.
std::string query_escape(std::string_view text) {
  std::string out;
  percent_encode(out, text, "-_.~ ");
  std::ranges::replace(out, ' ', '+');
  return out;
}

// As Go's HTTP client gives the credentials of a URL.
std::string authorization_field(const Gateway& gateway) {
  if (!gateway.credentials) return {};
  std::string text;
  append_base64(text, *gateway.credentials);
  return "Authorization: Basic " + text + "\r\n";
}

Result<void> write_all(rpc::Socket& socket, ByteView bytes, const rpc::IoLimits& limits) {
  while (!bytes.empty()) {
    ASSIGN_OR_RETURN(const rpc::IoStep step, socket.try_write(bytes));
    bytes.remove_prefix(step.bytes);
    if (step.wait_for != 0) TRY(socket.wait(/*for_write=*/true, limits));
  }
  return {};
}

// "HTTP/1.1 202 Accepted" to 202. The rest of the answer is not needed.
Result<int> read_status(rpc::Socket& socket, const rpc::IoLimits& limits) {
  std::string answer;
  while (answer.find("\r\n") == std::string::npos && answer.size() < kAnswerBytesMax) {
    std::array<char, 4096> buffer;
    ASSIGN_OR_RETURN(const rpc::IoStep step, socket.try_read(buffer));
    if (step.ended()) break;
    answer.append(buffer.data(), step.bytes);
    if (step.wait_for != 0) TRY(socket.wait(/*for_write=*/false, limits));
  }
  int status = 0;
  const size_t blank = answer.find(' ');
  if (answer.starts_with("HTTP/1.") && blank != std::string::npos) {
    (void)std::from_chars(answer.data() + blank + 1, answer.data() + answer.size(), status);
  }
  if (status == 0) return make_error(ErrorCode::kUnavailable, "push gateway does not speak HTTP/1");
  return status;
}

}  // namespace

Result<void> MetricsPusher::run(const StopToken& stop) {
  while (clock_.sleep_for(options_.interval, stop)) {
    const Result<void> pushed = push(stop);
    if (!pushed.ok() && !stop.stop_requested()) {
      log_error("push metrics to Prometheus Pushgateway failed", {{"error", pushed.error()}});
    }
  }
  return {};
}

Result<void> MetricsPusher::push(const StopToken& stop) {
  ASSIGN_OR_RETURN(const Gateway gateway, parse_gateway(options_.address));
  std::shared_ptr<const rpc::TlsContext> tls;
  if (gateway.is_https) {
    ASSIGN_OR_RETURN(tls, rpc::TlsContext::open({.ca_file = kSystemCaFile,
                                                 .cert_file = {},
                                                 .key_file = {},
                                                 .allowed_common_names = {},
                                                 .offers_http2 = false}));
  }
  const rpc::IoLimits limits{
      .clock = clock_, .deadline = clock_.now() + options_.timeout, .stop = stop};
  ASSIGN_OR_RETURN(
      const auto socket,
      rpc::Socket::connect({.host = gateway.host, .port = gateway.port, .tls = tls.get()}, limits));

  refresh_process_metrics(metrics());
  const std::string body = metrics().to_text();
  const std::string request = fmt::format(
      "POST {}{} HTTP/1.1\r\n"
      "Host: {}\r\n{}"
      "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
      "Content-Length: {}\r\n"
      "Connection: close\r\n"
      "\r\n"
      "{}",
      gateway.base_path, push_path(options_.node_id), gateway.authority,
      authorization_field(gateway), body.size(), body);
  TRY(write_all(*socket, request, limits));
  ASSIGN_OR_RETURN(const int status, read_status(*socket, limits));
  if (status == 200 || status == 202) return {};
  return make_error(ErrorCode::kUnavailable, "unexpected status code {} while pushing to {}",
                    status, gateway.authority);
}

std::string push_path(std::string_view node_id) {
  const std::string_view path = "/metrics/job/binlog/instance";
  if (node_id.find('/') != std::string_view::npos) {
    std::string text;
    append_base64(text, node_id, Base64Alphabet::kUrl);
    return fmt::format("{}@base64/{}", path, text);
  }
  return fmt::format("{}/{}", path, query_escape(node_id));
}

}  // namespace drainer::server
