#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drainer/base/bytes.h"
#include "drainer/base/deque.h"

namespace drainer::kafka {

/// The messages to one partition that wait for their request.
///
/// librdkafka has one request per partition of an idempotent producer on its way, and its thread
/// runs in circles as long as it holds messages that do not fit into it: a whole core while the
/// brokers are slower than we are. So it gets what one request takes, when it has nothing else.
/// One thread at a time.
class RequestLane {
 public:
  struct Message {
    uint64_t id;
    ByteView payload;  ///< borrowed
    std::optional<std::string> key;
  };
  /// Of one request. A message larger than `bytes` goes alone.
  struct Limits {
    size_t messages;
    size_t bytes;
  };

  void push(Message message) { waiting_.push_back(std::move(message)); }
  /// The messages of the next request; none while those of the last one lack reports.
  std::vector<Message> take_request(const Limits& limits);
  /// What became of one message of the last request is known.
  void note_report();

 private:
  Deque<Message> waiting_;
  size_t unreported_ = 0;
};

}  // namespace drainer::kafka
