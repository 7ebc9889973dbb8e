#include "drainer/server/handlers.h"

#include <optional>

#include <fmt/format.h>

#include "drainer/base/log.h"
#include "drainer/base/metrics.h"
#include "drainer/base/percent.h"
#include "drainer/rpc/gzip.h"
#include "drainer/server/process_metrics.h"

namespace drainer::server {

namespace {

// "/a%20b?c" and "http://host/a%20b?c" to "/a b"; nothing when an escape is broken.
std::optional<std::string> path_of(std::string_view target) {
  if (const size_t scheme = target.find("://");
      !target.starts_with('/') && scheme < target.size()) {
    const size_t slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  target = target.substr(0, target.find_first_of("?#"));
  return percent_decode(target);
}

std::string escape_path(std::string_view path) {
  std::string out;
  percent_encode(out, path, "-_.~$&+,/:;=@");
  return out;
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    path.remove_prefix(1);  // a slash
    const size_t end = path.find('/');
    out.emplace_back(path.substr(0, end));
    path.remove_prefix(end == std::string_view::npos ? path.size() : end);
  }
  return out;
}

// Without "//", "/./" and "/../"; a slash at the end stays.
std::string clean_path(std::string_view path) {
  std::vector<std::string> parts;
  for (std::string& part : split(path)) {
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(std::move(part));
  }
  std::string out;
  for (const std::string& part : parts) out += "/" + part;
  if (out.empty() || path.ends_with('/')) out += '/';
  return out;
}

HttpAnswer not_found() {
  return {.status = 404,
          .fields = {{"Content-Type", "text/plain; charset=utf-8"},
                     {"X-Content-Type-Options", "nosniff"}},
          .body = "404 page not found\n",
          .body_type = {}};
}

HttpAnswer json(std::string document) {
  return {.status = 200,
          .fields = {{"Content-Type", "application/json; charset=UTF-8"}},
          .body = std::move(document),
          .body_type = {}};
}

HttpAnswer metrics_page(bool gzipped) {
  refresh_process_metrics(metrics());
  HttpAnswer answer;
  answer.body = metrics().to_text();
  if (gzipped) {
    answer.body = rpc::gzip(answer.body);
    answer.fields.emplace_back("Content-Encoding", "gzip");
  }
  answer.fields.emplace_back("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  return answer;
}

HttpAnswer refuse(std::string_view message) {
  log_warn(message);
  return json(action_document(message, /*accepted=*/false));
}

}  // namespace

Handlers::Handlers(std::string node_id, ServerCallbacks callbacks)
    : node_id_(std::move(node_id)), callbacks_(std::move(callbacks)) {}

HttpAnswer Handlers::answer(const HttpQuestion& question) const {
  const std::optional<std::string> path = path_of(question.target);
  if (!path || !path->starts_with('/')) {
    return {.status = 400,
            .fields = {{"Content-Type", "text/plain; charset=utf-8"}},
            .body = "400 Bad Request",
            .body_type = {}};
  }
  if (const std::string clean = clean_path(*path); clean != *path) {
    const size_t query = question.target.find('?');
    const std::string_view rest =
        query == std::string_view::npos ? std::string_view() : question.target.substr(query);
    return {.status = 301,
            .fields = {{"Location", escape_path(clean) + std::string(rest)}},
            .body = {},
            .body_type = {}};
  }
  const HttpAnswer wrong_method{.status = 405, .fields = {}, .body = {}, .body_type = {}};
  if (*path == "/metrics") return metrics_page(question.takes_gzip);
  if (*path == "/status") {
    if (question.method != "GET") return wrong_method;
    return {.status = 200,
            .fields = {},
            .body = status_document(callbacks_.status()),
            .body_type = "text/plain; charset=utf-8"};
  }
  if (*path == "/commit_ts") {
    if (question.method != "GET") return wrong_method;
    return json(commit_ts_document(callbacks_.commit_ts()));
  }
  const std::vector<std::string> parts = split(*path);
  if (parts.size() == 3 && parts[0] == "state" && !parts[1].empty() && !parts[2].empty()) {
    if (question.method != "PUT") return wrong_method;
    return apply_action(parts[1], parts[2]);
  }
  return not_found();
}

// KEEP: this is a drainer, but the texts say pump, and a refusal comes with HTTP status 200.
HttpAnswer Handlers::apply_action(const std::string& node_id, const std::string& action) const {
  log_info("receive apply action request", {{"nodeID", node_id}, {"action", action}});
  if (node_id != node_id_) {
    return refuse(fmt::format("invalid nodeID {}, this pump's nodeID is {}", node_id, node_id_));
  }
  if (const std::string state = callbacks_.state(); state != "online") {
    return refuse(fmt::format("this pump's state is {}, apply {} failed!", state, action));
  }
  if (action == "pause") {
    callbacks_.on_pause();
  } else if (action == "close") {
    callbacks_.on_close();
  } else {
    return refuse(fmt::format("invalid action {}", action));
  }
  return json(action_document(fmt::format("apply action {} success!", action), /*accepted=*/true));
}

}  // namespace drainer::server
