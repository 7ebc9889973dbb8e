#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
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

class EtcdForward;

/// What a pump has done so far; for /sim/state, metrics and the registry. Any thread.
struct PumpCounters {
  std::atomic<int64_t> records{0};
  std::atomic<int64_t> fakes{0};
  std::atomic<int64_t> bytes{0};
  std::atomic<int64_t> streams{0};
  std::atomic<int64_t> pulls{0};
  std::atomic<int64_t> max_commit_ts{0};
  std::atomic<bool> gzip{false};     ///< asked for by the pull that came last
  std::atomic<bool> pausing{false};  ///< streams are to end with OK

  /// Common name in the certificate of the client whose pull came last; empty without TLS.
  void set_client(const std::string& name) EXCLUDES(mutex) {
    MutexLock lock(mutex);
    client_name = name;
  }
  std::string client() const EXCLUDES(mutex) {
    MutexLock lock(mutex);
    return client_name;
  }

  mutable Mutex mutex;
  std::string client_name GUARDED_BY(mutex) = {};
};

/// What services have asked PD to keep from GC; the members of PD share it. Any thread.
struct GcPins {
  struct Pin {
    uint64_t safe_point = 0;
    TimePoint deadline;
  };
  Mutex mutex;
  std::map<std::string, Pin> pins GUARDED_BY(mutex) = {};
};

/// Where nodes answer.
struct Addresses {
  std::vector<std::string> pd_urls;  ///< of all members of PD: http://host:port
  std::string tikv;                  ///< host:port
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
  /// Set when all servers have started, before any address is told; the Simulator owns them.
  std::atomic<const Addresses*> known_addresses{nullptr};
  Duration fake_interval = std::chrono::seconds(3);
  MetaClock& meta_clock;
  std::vector<PumpCounters>& counters;  ///< one per pump
  std::atomic<size_t> pd_leader{0};     ///< index into Addresses::pd_urls
  GcPins pins = {};
  EtcdForward* etcd_forward = nullptr;  ///< the etcd that answers in the place of `etcd`, if given

  const Addresses& addresses() const { return *known_addresses; }
};

using Services = std::vector<std::unique_ptr<grpc::Service>>;

/// PD's own service on the member with this index.
Services make_pd_services(World& world, size_t member);
/// KV, Watch, Lease and Cluster of the etcd inside PD.
Services make_etcd_services(World& world);
/// Only Cluster; for KV see EtcdForward.
std::unique_ptr<grpc::Service> make_cluster_service(World& world);
std::unique_ptr<grpc::Service> make_watch_service(World& world);
Services make_tikv_services(World& world);

/// Sends no more on the TCP connection that gRPC calls `peer`.
using EndConnection = std::function<void(const std::string& peer)>;

/// PullBinlogs and WriteBinlog of the pump with this index.
Services make_pump_services(World& world, size_t pump, EndConnection end);

}  // namespace drainer::upstream
