#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "drainer/base/threads.h"
#include "tests/upstream/options.h"

namespace drainer::upstream {

/// A whole upstream on real sockets: PD with etcd, one TiKV, the pumps. Any thread.
class Simulator {
 public:
  /// Loads the capture, opens all ports and registers the pumps; all answer when it returns.
  static Result<std::unique_ptr<Simulator>> open(const SimOptions& options, Clock& clock);
  virtual ~Simulator() = default;

  virtual std::string pd_address() const = 0;  ///< of the first member
  virtual std::vector<std::string> pd_addresses() const = 0;
  virtual std::string control_address() const = 0;  ///< where /sim/ is served, without TLS
  virtual std::string tikv_address() const = 0;
  virtual std::vector<std::string> pump_addresses() const = 0;
  virtual uint64_t cluster_id() const = 0;
  virtual CommitTs from_ts() const = 0;
  virtual CommitTs until_ts() const = 0;  ///< of the last repetition
  virtual int64_t transactions() const = 0;

  /// As PUT /sim/fault.
  virtual Result<void> apply_fault(const std::string& text) = 0;
  /// As GET /sim/state.
  virtual std::string state_json() const = 0;

  /// Blocks until `stop` or the first error of a port.
  virtual Result<void> wait(const StopToken& stop) = 0;
};

}  // namespace drainer::upstream
