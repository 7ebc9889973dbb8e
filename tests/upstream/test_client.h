#pragma once

#include "tests/upstream/grpc_headers.h"

#include "drainer/proto/binlog.grpc.pb.h"
#include "drainer/proto/etcd.grpc.pb.h"
#include "drainer/proto/pd.grpc.pb.h"
#include "drainer/proto/tikv.grpc.pb.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/upstream/simulator.h"
#include "tests/upstream/small_capture.h"

namespace drainer::upstream {

/// A running simulator and a stock gRPC client for it. Calls have a deadline, so that a test that
/// waits in vain fails. One thread.
class TestClient {
 public:
  /// Plays the directory with these options (`capture` and ports are filled in).
  TestClient(const std::string& directory, SimOptions options);

  Simulator& sim() { return *simulator_; }

  std::unique_ptr<etcdserverpb::KV::Stub> kv() const;
  std::unique_ptr<etcdserverpb::Lease::Stub> lease() const;
  std::unique_ptr<etcdserverpb::Watch::Stub> watch() const;
  std::unique_ptr<pdpb::PD::Stub> pd() const;
  std::unique_ptr<tikvpb::Tikv::Stub> tikv() const;
  std::unique_ptr<binlog::Pump::Stub> pump(size_t index) const;

  /// A context with a deadline, the common one by default.
  static std::unique_ptr<grpc::ClientContext> context(
      std::chrono::milliseconds limit = std::chrono::seconds(30));

  struct Pulled {
    int64_t start_ts = 0;
    int64_t commit_ts = 0;
    Bytes payload{};
    bool is_fake() const { return start_ts == commit_ts; }
  };
  struct Pull {
    std::vector<Pulled> records;
    grpc::Status status;  ///< CANCELLED when the client had enough
  };
  /// Pulls from a pump until `count` records are there or the stream ends.
  Pull pull(size_t index, int64_t offset, size_t count,
            uint64_t cluster_id = SmallCapture::kClusterId) const;
  /// What a pump sends within `limit`.
  Pull pull_for(size_t index, int64_t offset, std::chrono::milliseconds limit) const;

  /// The region of a raw key, as a request context for TiKV.
  tikvpb::Context region_of(const Bytes& key) const;
  pdpb::RequestHeader header() const;
  /// A fresh timestamp.
  uint64_t tso() const;

  /// The value under a key of etcd.
  std::string etcd_value(const std::string& key) const;

  /// Status code and body of an HTTP request to the PD's port.
  std::pair<int, std::string> http(const std::string& method, const std::string& target) const;

 private:
  Pull pull(grpc::ClientContext& call, size_t index, int64_t offset, size_t count,
            uint64_t cluster_id) const;

  SystemClock clock_;
  std::unique_ptr<Simulator> simulator_;
};

/// Status code and body of an HTTP request.
std::pair<int, std::string> http_request(const std::string& address, const std::string& method,
                                         const std::string& target);

/// True if a TCP connection to host:port comes about.
bool connects(const std::string& address);

}  // namespace drainer::upstream
