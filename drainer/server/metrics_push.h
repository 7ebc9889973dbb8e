#pragma once

#include <string>
#include <string_view>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"

namespace drainer::server {

/// Sends all metrics to a Prometheus Pushgateway again and again (spec/drainer-process.md 7).
///
/// A failed push is logged, and the next one comes in its time. One thread.
class MetricsPusher {
 public:
  struct Options {
    std::string address;  ///< URL, or host:port for http
    std::string node_id;
    Duration interval;
    Duration timeout = std::chrono::seconds(10);
  };

  MetricsPusher(Options options, Clock& clock) : options_(std::move(options)), clock_(clock) {}

  /// First after one interval; until `stop`.
  Result<void> run(const StopToken& stop);
  /// Sends them once.
  Result<void> push(const StopToken& stop);

 private:
  const Options options_;
  Clock& clock_;
};

/// The path that names this node: the id escaped, or in base64 where it has a slash.
std::string push_path(std::string_view node_id);

}  // namespace drainer::server
