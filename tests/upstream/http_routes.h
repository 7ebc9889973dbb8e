#pragma once

#include "tests/upstream/http.h"
#include "tests/upstream/services.h"

namespace drainer::upstream {

/// What the HTTP routes ask of the whole. Implemented by the Simulator.
class SimView {
 public:
  virtual ~SimView() = default;
  virtual std::string state_json() const = 0;
  virtual Result<void> apply_fault(const std::string& text) = 0;
  /// The registry value of a pump.
  virtual std::string pump_status_json(size_t pump) const = 0;
};

/// PD's HTTP API as far as tools ask it, and /sim/….
HttpResponse answer_pd_http(World& world, SimView& view, const HttpRequest& request);
/// A pump's /status, /drainers, /metrics, /debug/binlog/<ts> (spec/upstream-protocols.md 9).
HttpResponse answer_pump_http(World& world, SimView& view, size_t pump, const HttpRequest& request);
/// TiKV's status server.
HttpResponse answer_tikv_http(const HttpRequest& request);

}  // namespace drainer::upstream
