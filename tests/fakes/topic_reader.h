#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "drainer/base/bytes.h"

namespace drainer::fakes {

/// Partition 0 of a topic, as a consumer sees it. Throws std::runtime_error when the brokers do not
/// answer for long. One thread.
class TopicReader {
 public:
  TopicReader(const std::string& brokers, std::string topic);
  ~TopicReader();

  /// How many messages it got.
  uint64_t count();
  /// The first `count` messages; fewer when they do not come in time.
  std::vector<Bytes> read(uint64_t count);
  /// Those that it still has.
  std::vector<Bytes> read_all();

  /// Node id of the broker that leads it; -1 while there is none.
  int leader();
  /// How many brokers have all of it.
  int replicas_in_sync();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace drainer::fakes
