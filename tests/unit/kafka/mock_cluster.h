#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drainer/base/bytes.h"

namespace drainer::fakes {

/// librdkafka's mock brokers in this process, with one topic "t" of one partition, which keeps its
/// newest 5 MB. One thread.
class MockCluster {
 public:
  explicit MockCluster(int brokers = 1);
  ~MockCluster();

  std::string brokers() const;
  /// The next produce requests fail with these error codes of Kafka, one each; 0: no error, -1: the
  /// connection is dropped.
  void fail_produce_requests(const std::vector<int>& codes);
  /// The next questions for offsets fail, one each.
  void fail_offset_requests(const std::vector<int>& codes);
  /// Whoever asks for `topic` gets this error code; 0: it is there.
  void fail_topic(const std::string& topic, int code);
  /// `after` more produce requests are answered; the next one is taken, but its answer is held back
  /// for longer than its connection lives.
  void hold_produce_answer(int broker, int after);
  /// Whether that has happened.
  bool is_answer_held(int broker) const;
  void set_down(int broker);
  void set_up(int broker);
  void set_leader(int broker);
  /// All answers of a broker come so late; 0: at once.
  void set_delay_ms(int broker, int delay_ms);
  /// The first `count` messages of the partition; fewer when they do not come in time.
  std::vector<Bytes> read(size_t count) const;
  /// How many messages the partition got.
  uint64_t count() const;
  /// All of them.
  std::vector<Bytes> read_all() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace drainer::fakes
