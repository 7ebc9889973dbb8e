#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/mutex.h"
#include "tests/fakes/tcp_proxy.h"

namespace drainer::bench {

/// The statements that a program sent to a MySQL server, connection by connection, and what had
/// been answered when each was sent. Written by the threads of a proxy, read once they have ended.
class Recording {
 public:
  struct Request {
    std::string text;       ///< of a COM_QUERY
    uint64_t sent = 0;      ///< moments, counted over all connections
    uint64_t answered = 0;  ///< when the last byte of the answer came
    bool has_failed = false;
  };
  using Requests = std::vector<Request>;

  /// Takes the bytes of one connection apart. One thread.
  class Connection final : public fakes::TcpTap {
   public:
    Connection(Requests& requests, std::atomic<uint64_t>& moment)
        : requests_(requests), moment_(moment) {}
    void note_request(std::string_view bytes) override;
    void note_answer(std::string_view bytes) override;

   private:
    Requests& requests_;
    std::atomic<uint64_t>& moment_;
    /// Payload of the packet that `pending` begins with.
    static size_t packet_length(std::string_view pending);

    std::string pending_;          ///< of a request
    std::string answer_header_{};  ///< of the packet that comes, with the first byte of its payload
    size_t answer_rest_ = 0;       ///< bytes of a packet's payload still to come
  };
  Connection add_connection();

  /// In the order in which the connections came.
  const std::list<Requests>& connections() const { return connections_; }

 private:
  std::atomic<uint64_t> moment_{0};
  Mutex mutex_;
  std::list<Requests> connections_;
};

/// Sends the statements again, each connection of the recording by a plain one, each statement as
/// soon as all that had been answered before it was sent are answered again; those that failed are
/// left out. Errors are counted, not fatal: the state may differ in places.
struct ReplayOutcome {
  uint64_t statements = 0;
  uint64_t errors = 0;
  std::string first_error;
};
ReplayOutcome replay(const Recording& recording, uint16_t port);

}  // namespace drainer::bench
