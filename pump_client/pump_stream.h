#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "drainer/base/clock.h"
#include "drainer/base/ids.h"
#include "drainer/base/metrics.h"
#include "drainer/base/mutex.h"
#include "drainer/base/result.h"
#include "drainer/cluster/channels.h"
#include "drainer/rpc/grpc_client.h"
#include "pump_client/merger.h"

namespace drainer {

/// What all pump streams have in common. Plain data.
struct PumpStreamOptions {
  uint64_t cluster_id = 0;
  bool gzip = false;
  std::shared_ptr<const rpc::TlsContext> tls = nullptr;
  Duration reconnect_pause = std::chrono::seconds(1);  ///< KEEP, upstream-protocols.md 2.7
  cluster::ChannelFactory make_channel;
};

/// Times that binlogs of a pump may be missing.
Counter& pump_gaps();

/// Pulls the binlogs of one pump and hands them to the merger; reconnects for ever. Tells when a
/// pump begins so much later than it was asked that its GC may have removed what lay between.
///
/// run() belongs to one thread; all else to any other.
class PumpStream {
 public:
  PumpStream(PumpId id, std::string host, CommitTs start, const PumpStreamOptions& options,
             Merger& merger, Clock& clock);

  /// Until `stop` or stop(). Fails only for bytes that are no binlog: nothing may be skipped.
  Result<void> run(const StopToken& stop);
  /// run() has returned, and what it did with the pump's metrics lies before.
  bool has_ended() const { return has_ended_.load(std::memory_order_acquire); }
  /// Ends run() soon; the pump has gone offline.
  void stop() { stop_.request_stop(); }

  /// The pump has registered with another address: drop the connection and dial that (FIX 2.8).
  void set_host(const std::string& host) EXCLUDES(mutex_);
  /// A paused pump is not dialled again; an open stream goes on (spec/drainer-process.md 3.3).
  void set_paused(bool paused) EXCLUDES(mutex_);

  const PumpId& id() const { return id_; }
  /// Commit ts of the last binlog handed over.
  CommitTs position() const EXCLUDES(mutex_);

 private:
  Result<void> run_until(const StopToken& stop);
  Result<void> pull(const StopToken& stop);
  /// Waits for messages and hands over all that have arrived by then.
  Result<void> receive(rpc::GrpcStream& stream, const StopToken& connection_stop,
                       const StopToken& stop);
  /// The binlog behind the one of `after`.
  Result<tidb::BinlogItem> parse(Bytes message, CommitTs after) const;
  Result<void> hand_over(std::vector<tidb::BinlogItem> items, const StopToken& stop);
  /// Of the first binlog of a connection. KEEP: it goes on, as the original.
  void check_gap(CommitTs first);
  void log_broken(const Error& error);

  const PumpId id_;
  const PumpStreamOptions& options_;
  Merger& merger_;
  Clock& clock_;
  Histogram& received_bytes_;
  Histogram& reach_seconds_;
  StopSource stop_;
  std::atomic<bool> has_ended_ = false;
  TimePoint last_logged_{};
  std::optional<CommitTs> asked_for_;  ///< until the first binlog of this connection has come

  mutable Mutex mutex_;
  std::string host_ GUARDED_BY(mutex_);
  bool is_paused_ GUARDED_BY(mutex_) = false;
  CommitTs position_ GUARDED_BY(mutex_);
  StopSource connection_ GUARDED_BY(mutex_);  ///< ends the present connection only
};

}  // namespace drainer
