#pragma once

#include "drainer/base/metrics.h"

namespace drainer::server {

/// Brings the metrics of the process up to date: process_* as Prometheus' clients name them, and
/// the two go_* of the stock dashboard, fed with threads and allocated bytes. Any thread.
void refresh_process_metrics(MetricsRegistry& registry);

}  // namespace drainer::server
