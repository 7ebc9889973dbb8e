#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/upstream/etcd_store.h"
#include "tests/upstream/faults.h"
#include "tests/upstream/feed.h"
#include "tests/upstream/meta_versions.h"
#include "tests/upstream/mvcc.h"
#include "tests/upstream/regions.h"
#include "tests/upstream/tso.h"

namespace grpc {
class Service;
}

namespace drainer::upstream {

/// What a pump has done so far; for /sim/state, metrics and the registry. Any thread.
struct PumpCounters {
  std::atomic<int64_t> records{0};
  std::atomic<int64_t> fakes{0};
  std::atomic<int64_t> bytes{0};
  std::atomic<int64_t> streams{0};
  std::atomic<int64_t> pulls{0};
  std::atomic<int64_t> max_commit_ts{0};
  std::atomic<bool> pausing{false};  ///< streams are to end with OK
};

/// What the services of all nodes share. Owned by the Simulator; outlives the servers.
struct World {
  Clock& clock;
  uint64_t cluster_id = 0;
  Tso& tso;
  EtcdStore& etcd;
  MvccStore& mvcc;
  RegionMap& regions;
  FaultBoard& faults;
  Feed& feed;
  std::string pd_url;        ///< http://host:port
  std::string tikv_address;  ///< host:port
  Duration fake_interval = std::chrono::seconds(3);
  MetaClock& meta_clock;
  std::vector<PumpCounters>& counters;  ///< one per pump
};

using Services = std::vector<std::unique_ptr<grpc::Service>>;

/// PD's own service.
Services make_pd_services(World& world);
/// KV, Watch, Lease and Cluster of the etcd inside PD.
Services make_etcd_services(World& world);
std::unique_ptr<grpc::Service> make_watch_service(World& world);
Services make_tikv_services(World& world);

/// Sends no more on the TCP connection that gRPC calls `peer`.
using EndConnection = std::function<void(const std::string& peer)>;

/// PullBinlogs and WriteBinlog of the pump with this index.
Services make_pump_services(World& world, size_t pump, EndConnection end);

}  // namespace drainer::upstream
