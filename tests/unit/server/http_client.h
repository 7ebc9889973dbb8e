#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/rpc/socket.h"

namespace drainer::test {

/// An answer as it came. Plain data.
struct HttpReply {
  std::string status_line;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;

  /// The value of a field; empty if there is none.
  std::string field(const std::string& name) const;
};

/// A client that sends what the test says, byte for byte. Blocks; a test that hangs for 20 seconds
/// fails. One thread.
class HttpClient {
 public:
  explicit HttpClient(uint16_t port, const rpc::TlsContext* tls = nullptr);

  void send(std::string_view bytes);
  /// "METHOD target HTTP/1.1" with a Host field and nothing else.
  void ask(const std::string& method, const std::string& target);
  /// The next answer; its body by Content-Length, none for `head`.
  HttpReply read_reply(bool head = false);
  /// ask() and read_reply().
  HttpReply get(const std::string& target);
  /// Everything until the server closes.
  std::string read_to_end();
  /// Whether the server closes within this time, without another byte.
  bool closes_within(Duration time);
  /// The next bytes, as many as come at once; empty at the end.
  std::string read_some();

 private:
  rpc::IoLimits limits();

  SystemClock clock_;
  std::unique_ptr<rpc::Socket> socket_;
  std::string input_;
};

}  // namespace drainer::test
