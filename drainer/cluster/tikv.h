#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "drainer/base/bytes.h"
#include "drainer/base/clock.h"
#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "drainer/cluster/channels.h"
#include "drainer/cluster/pd.h"
#include "drainer/rpc/tls.h"

namespace drainer::cluster {

/// Limits of reads.
struct KvOptions {
  Duration retry_time = std::chrono::seconds(20);  ///< pauses of one get or one page of a scan
  Duration get_timeout = std::chrono::seconds(30);
  Duration scan_timeout = std::chrono::seconds(60);
  uint32_t page_pairs = 256;     ///< pairs per request of a scan
  uint32_t page_keys = 8192;     ///< keys per request of a scan without values
  ChannelFactory channels = {};  ///< for tests
};

/// Reads of TiKV at a timestamp: region cache, region errors, locks of other transactions
/// (spec/upstream-protocols.md 6). Keys are raw. Any thread.
class KvClient {
 public:
  /// `pd` must outlive the client.
  static std::unique_ptr<KvClient> create(PdClient& pd, std::shared_ptr<const rpc::TlsContext> tls,
                                          Clock& clock, KvOptions options = {});
  virtual ~KvClient() = default;

  /// Nothing when the key is absent or its value empty (6.4).
  virtual Result<std::optional<Bytes>> get(std::string_view key, CommitTs version,
                                           const StopToken& stop) = 0;

  /// Called for each pair in key order; an Error ends the scan and is returned.
  using OnPair = std::function<Result<void>(ByteView key, ByteView value)>;
  /// Pairs in [start, end), across regions, in pages.
  virtual Result<void> scan(std::string_view start, std::string_view end, CommitTs version,
                            const OnPair& on_pair, const StopToken& stop) = 0;
  /// The keys alone, which costs a fraction; `on_pair` gets empty values.
  virtual Result<void> scan_keys(std::string_view start, std::string_view end, CommitTs version,
                                 const OnPair& on_pair, const StopToken& stop) = 0;
};

}  // namespace drainer::cluster
