#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "drainer/cluster/channels.h"
#include "drainer/rpc/tls.h"

namespace drainer::cluster {

struct PeerRef {
  uint64_t id = 0;
  uint64_t store_id = 0;
  int32_t role = 0;
};

/// A region as PD describes it; keys are decoded (raw), empty means unbounded.
struct RegionInfo {
  uint64_t id = 0;
  std::string start_key;
  std::string end_key;
  uint64_t conf_ver = 0;
  uint64_t version = 0;
  std::vector<PeerRef> peers;
  PeerRef leader;  ///< id 0 when PD does not know one

  bool contains(std::string_view key) const {
    return key >= start_key && (end_key.empty() || key < end_key);
  }
};

struct StoreInfo {
  uint64_t id = 0;
  std::string address;
  bool is_gone = false;     ///< tombstone, removed or unknown to PD
  bool is_tiflash = false;  ///< not to be read
};

/// Limits of retries; small in tests.
struct PdOptions {
  std::vector<std::string> urls;  ///< as configured: http://host:port …
  std::shared_ptr<const rpc::TlsContext> tls = nullptr;
  int discovery_attempts = 100;  ///< per phase, `discovery_pause` apart (5.2)
  Duration discovery_pause = std::chrono::seconds(1);
  Duration call_timeout = std::chrono::seconds(3);
  Duration leader_timeout = std::chrono::seconds(1);  ///< of a member asked for the leader
  Duration refresh_interval = std::chrono::seconds(60);
  Duration tso_retry_time = std::chrono::seconds(15);
  Duration read_retry_time = std::chrono::seconds(20);
  ChannelFactory channels = {};  ///< for tests
};

/// Client of PD: members and leader changes, timestamps, regions, stores, GC safe point
/// (spec/upstream-protocols.md 5). Retries inside as 5.3 says. Any thread.
class PdClient {
 public:
  /// Finds the cluster id and the leader; "[pd] failed to get cluster id" when no url answers.
  static Result<std::unique_ptr<PdClient>> open(PdOptions options, Clock& clock,
                                                const StopToken& stop);
  virtual ~PdClient() = default;

  /// Body of a thread: refreshes the members once a minute, so that a cluster whose members have
  /// all been replaced is still found. Without it they are refreshed only after a failed call.
  virtual Result<void> run(const StopToken& stop) = 0;

  virtual uint64_t cluster_id() const = 0;
  /// Client urls of all members, sorted; refreshed as the cluster changes. For the etcd client.
  virtual std::vector<std::string> member_urls() const = 0;

  /// A fresh timestamp.
  virtual Result<CommitTs> tso(const StopToken& stop) = 0;
  virtual Result<RegionInfo> region_of(std::string_view raw_key, const StopToken& stop) = 0;
  virtual Result<StoreInfo> store(uint64_t store_id, const StopToken& stop) = 0;
  /// Returns PD's minimum over all services; above `safe_point` means that the pin failed (5.6).
  virtual Result<CommitTs> update_service_gc_safe_point(std::string_view service_id,
                                                        int64_t ttl_seconds, CommitTs safe_point,
                                                        const StopToken& stop) = 0;
};

}  // namespace drainer::cluster
