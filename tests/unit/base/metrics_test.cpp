#include "drainer/base/metrics.h"

#include <catch2/catch.hpp>

using namespace drainer;

TEST_CASE("metrics: text form lists families, labels and buckets") {
  MetricsRegistry registry;
  registry.counter("b_total", "Counts b.", {{"type", "x\"y"}}).add(3);
  registry.gauge("a", "Shows a.").set(1.5);
  Histogram& histogram = registry.histogram("h", "Times.", {0.5, 1}, {});
  histogram.observe(0.5);
  histogram.observe(7);
  CHECK(registry.to_text() ==
        "# HELP a Shows a.\n# TYPE a gauge\na 1.5\n"
        "# HELP b_total Counts b.\n# TYPE b_total counter\nb_total{type=\"x\\\"y\"} 3\n"
        "# HELP h Times.\n# TYPE h histogram\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"1\"} 1\n"
        "h_bucket{le=\"+Inf\"} 2\nh_sum 7.5\nh_count 2\n");
}

TEST_CASE("metrics: a series is created once and can be forgotten") {
  MetricsRegistry registry;
  registry.gauge("pump_position", "Position.", {{"nodeID", "p1"}}).set(2);
  CHECK(registry.gauge("pump_position", "Position.", {{"nodeID", "p1"}}).value() == 2);
  registry.remove("pump_position", {{"nodeID", "p1"}});
  CHECK(registry.to_text().empty());
}
