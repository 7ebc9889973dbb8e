#include "tests/unit/server/http_client.h"

#include <array>

#include <catch2/catch.hpp>

namespace drainer::test {

std::string HttpReply::field(const std::string& name) const {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return "";
}

HttpClient::HttpClient(uint16_t port, const rpc::TlsContext* tls) {
  auto socket = rpc::Socket::connect({.host = "127.0.0.1", .port = port, .tls = tls}, limits());
  INFO((socket.ok() ? std::string() : socket.error().to_string()));
  REQUIRE(socket.ok());
  socket_ = std::move(socket).value();
}

rpc::IoLimits HttpClient::limits() {
  return {.clock = clock_, .deadline = clock_.now() + std::chrono::seconds(20), .stop = {}};
}

void HttpClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto step = socket_->try_write(bytes);
    if (!step.ok()) return;  // closed by the server: reading will tell
    bytes.remove_prefix(step->bytes);
    if (step->wait_for != 0 && !socket_->wait(/*for_write=*/true, limits()).ok()) return;
  }
}

void HttpClient::ask(const std::string& method, const std::string& target) {
  send(method + " " + target + " HTTP/1.1\r\nHost: drainer\r\n\r\n");
}

std::string HttpClient::read_some() {
  std::array<char, 65536> buffer;
  while (true) {
    const auto step = socket_->try_read(buffer);
    if (!step.ok() || step->ended()) return "";
    if (step->bytes > 0) return std::string(buffer.data(), step->bytes);
    REQUIRE(socket_->wait(/*for_write=*/false, limits()).ok());
  }
}

bool HttpClient::closes_within(Duration time) {
  std::array<char, 1> buffer;
  const rpc::IoLimits soon{.clock = clock_, .deadline = clock_.now() + time, .stop = {}};
  while (true) {
    const auto step = socket_->try_read(buffer);
    if (!step.ok() || step->ended()) return true;
    if (step->bytes > 0 || !socket_->wait(/*for_write=*/false, soon).ok()) return false;
  }
}

std::string HttpClient::read_to_end() {
  std::string out = std::move(input_);
  for (std::string more; !(more = read_some()).empty();) out += more;
  return out;
}

HttpReply HttpClient::read_reply(bool head) {
  size_t end = 0;
  while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
    const std::string more = read_some();
    INFO(input_);
    REQUIRE_FALSE(more.empty());
    input_ += more;
  }
  HttpReply reply;
  std::string_view header = std::string_view(input_).substr(0, end + 2);
  for (bool first = true; !header.empty(); first = false) {
    const std::string line(header.substr(0, header.find("\r\n")));
    header.remove_prefix(line.size() + 2);
    if (first) {
      reply.status_line = line;
    } else {
      const size_t colon = line.find(": ");
      REQUIRE(colon != std::string::npos);
      reply.fields.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
  }
  input_.erase(0, end + 4);
  const std::string length = reply.field("Content-Length");
  const size_t size = head || length.empty() ? 0 : std::stoul(length);
  while (input_.size() < size) {
    const std::string more = read_some();
    REQUIRE_FALSE(more.empty());
    input_ += more;
  }
  reply.body = input_.substr(0, size);
  input_.erase(0, size);
  return reply;
}

HttpReply HttpClient::get(const std::string& target) {
  ask("GET", target);
  return read_reply();
}

}  // namespace drainer::test
