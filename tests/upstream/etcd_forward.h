#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/upstream/services.h"

namespace drainer::upstream {

/// A real etcd in the place of the simulator's: PD's port passes KV calls on to it. Any thread.
///
/// While that etcd is away, calls end with UNAVAILABLE as gRPC says it.
class EtcdForward {
 public:
  /// `address` is host:port, without TLS.
  explicit EtcdForward(const std::string& address);
  ~EtcdForward();

  /// etcd's KV service, the faults of PD's node included.
  std::unique_ptr<grpc::Service> make_service(World& world);

  /// Writes one key; what fails is logged only.
  void put(const std::string& key, const std::string& value);
  /// The values of the keys from `key` up to `range_end`.
  std::vector<std::string> values(std::string_view key, std::string_view range_end);

 private:
  struct Stub;
  std::unique_ptr<Stub> stub_;
};

}  // namespace drainer::upstream
