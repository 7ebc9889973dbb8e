#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/mutex.h"

namespace drainer {

/// A number that only grows. Any thread.
class Counter {
 public:
  void add(double delta = 1) { value_.fetch_add(delta, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// A number that goes up and down. Any thread.
class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double delta) { value_.fetch_add(delta, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// Counts observations by upper bounds. Any thread.
class Histogram {
 public:
  explicit Histogram(std::vector<double> upper_bounds);
  void observe(double value);

  struct Snapshot {
    std::vector<double> upper_bounds;
    std::vector<uint64_t> cumulative;  ///< one more than bounds: the last is +Inf
    double sum;
  };
  Snapshot snapshot() const;

 private:
  const std::vector<double> upper_bounds_;
  std::vector<std::atomic<uint64_t>> buckets_;
  std::atomic<double> sum_{0};
};

/// `start`, `start`·`factor`, … (`count` bounds), as Prometheus' ExponentialBuckets.
std::vector<double> exponential_buckets(double start, double factor, int count);

/// Label names and values of one series, in the order in which they are printed.
using Labels = std::vector<std::pair<std::string, std::string>>;

/// All series of the process. Series are created on first use; references to one stay valid until
/// remove() of it, else as long as the registry lives. Any thread.
class MetricsRegistry {
 public:
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram& histogram(std::string_view name, std::string_view help,
                       const std::vector<double>& upper_bounds, const Labels& labels = {});
  /// Forgets one series, e.g. of a pump that has gone offline. The last use of a reference to it
  /// must have happened before.
  void remove(std::string_view name, const Labels& labels) EXCLUDES(mutex_);

  /// Prometheus text format 0.0.4, families by name, series by labels.
  std::string to_text() const EXCLUDES(mutex_);

 private:
  enum class Kind : uint8_t { kCounter, kGauge, kHistogram };
  struct Series {
    std::unique_ptr<Counter> counter;
    std::unique_ptr<Gauge> gauge;
    std::unique_ptr<Histogram> histogram;
  };
  struct Family {
    std::string help;
    Kind kind;
    std::map<Labels, Series> series;
  };

  Series& series(std::string_view name, std::string_view help, Kind kind, const Labels& labels)
      REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, Family, std::less<>> families_ GUARDED_BY(mutex_);
};

/// The registry that /metrics shows.
MetricsRegistry& metrics();

}  // namespace drainer
