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

TEST_CASE("metrics: numbers have the form of Prometheus' text") {
  const std::pair<double, std::string> cases[] = {
      {0, "0"},
      {1, "1"},
      {-2.5, "-2.5"},
      {5e-05, "5e-05"},
      {0.0001, "0.0001"},
      {6.5536, "6.5536"},
      {524288, "524288"},
      {999999, "999999"},
      {1000000, "1e+06"},
      {1048576, "1.048576e+06"},
      {268435456, "2.68435456e+08"},
      {1795237919300.0, "1.7952379193e+12"},
      {5.132999999999999, "5.132999999999999"},
      {18446744073709551615.0, "1.8446744073709552e+19"},
  };
  for (const auto& [value, text] : cases) {
    MetricsRegistry registry;
    registry.gauge("a", "A.").set(value);
    CHECK(registry.to_text() == "# HELP a A.\n# TYPE a gauge\na " + text + "\n");
  }
}
