#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "drainer/cluster/channels.h"
#include "drainer/rpc/tls.h"

namespace drainer::cluster {

struct EtcdKeyValue {
  std::string key;
  std::string value;
};

struct EtcdOptions {
  std::function<std::vector<std::string>()> endpoints;  ///< asked anew when one fails
  std::shared_ptr<const rpc::TlsContext> tls = nullptr;
  Duration timeout = std::chrono::seconds(5);  ///< of one operation with all its retries
  ChannelFactory channels = {};                ///< for tests
};

/// Client of the etcd inside PD: the few operations of the registry (spec/upstream-protocols.md 4).
/// Linearizable reads. Goes on to the next endpoint when one is not available, does not answer or
/// has a wrong certificate; that is safe for writes too, since each is guarded and repeats itself.
/// Any thread.
class EtcdClient {
 public:
  static std::unique_ptr<EtcdClient> create(EtcdOptions options, Clock& clock);
  virtual ~EtcdClient() = default;

  virtual Result<std::vector<EtcdKeyValue>> range_prefix(std::string_view prefix,
                                                         const StopToken& stop) = 0;
  /// kNotFound when absent.
  virtual Result<EtcdKeyValue> get(std::string_view key, const StopToken& stop) = 0;
  /// Puts only if the key does not exist (mod revision 0); kConflict "already exists" else.
  virtual Result<void> create_key(std::string_view key, std::string_view value,
                                  const StopToken& stop) = 0;
  /// Puts only if the key exists (mod revision > 0) and gives what it has replaced, read in the
  /// same transaction; kNotFound else.
  virtual Result<EtcdKeyValue> update_key(std::string_view key, std::string_view value,
                                          const StopToken& stop) = 0;
};

}  // namespace drainer::cluster
