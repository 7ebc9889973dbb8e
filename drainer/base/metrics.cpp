#include "drainer/base/metrics.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/core.h>

#include "drainer/base/check.h"

namespace drainer {

namespace {

// As Go's strconv 'g' with the fewest digits, which Prometheus' text has: 5e-05,
// 524288, 1.048576e+06.
std::string format_number(double value) {
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (std::isnan(value)) return "NaN";
  const double size = std::fabs(value);
  const bool scientific = size != 0 && (size < 1e-4 || size >= 1e6);
  std::array<char, 400> text;
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value,
                    scientific ? std::chars_format::scientific : std::chars_format::fixed);
  return std::string(text.data(), end.ptr);
}

void append_labels(std::string& out, const Labels& labels, std::string_view le = {}) {
  if (labels.empty() && le.empty()) return;
  out += '{';
  bool first = true;
  const auto append = [&](std::string_view key, std::string_view value) {
    if (!first) out += ',';
    first = false;
    out += key;
    out += "=\"";
    for (char c : value) {
      if (c == '\\' || c == '"') out += '\\';
      if (c == '\n') {
        out += "\\n";
      } else {
        out += c;
      }
    }
    out += '"';
  };
  for (const auto& [key, value] : labels) append(key, value);
  if (!le.empty()) append("le", le);
  out += '}';
}

}  // namespace

Histogram::Histogram(std::vector<double> upper_bounds)
    : upper_bounds_(std::move(upper_bounds)), buckets_(upper_bounds_.size() + 1) {}

void Histogram::observe(double value) {
  const auto bound = std::lower_bound(upper_bounds_.begin(), upper_bounds_.end(), value);
  const auto index = static_cast<size_t>(bound - upper_bounds_.begin());
  buckets_[index].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

Histogram::Snapshot Histogram::snapshot() const {
  Snapshot out{upper_bounds_, {}, sum_.load(std::memory_order_relaxed)};
  uint64_t total = 0;
  for (const auto& bucket : buckets_) {
    total += bucket.load(std::memory_order_relaxed);
    out.cumulative.push_back(total);
  }
  return out;
}

std::vector<double> exponential_buckets(double start, double factor, int count) {
  std::vector<double> out;
  for (int i = 0; i < count; ++i, start *= factor) out.push_back(start);
  return out;
}

MetricsRegistry::Series& MetricsRegistry::series(std::string_view name, std::string_view help,
                                                 Kind kind, const Labels& labels) {
  auto family = families_.find(name);
  if (family == families_.end()) {
    family = families_.emplace(std::string(name), Family{std::string(help), kind, {}}).first;
  }
  CHECK(family->second.kind == kind, "metric {} used with two types", name);
  return family->second.series[labels];
}

Counter& MetricsRegistry::counter(std::string_view name, std::string_view help,
                                  const Labels& labels) {
  MutexLock lock(mutex_);
  Series& entry = series(name, help, Kind::kCounter, labels);
  if (!entry.counter) entry.counter = std::make_unique<Counter>();
  return *entry.counter;
}

Gauge& MetricsRegistry::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  MutexLock lock(mutex_);
  Series& entry = series(name, help, Kind::kGauge, labels);
  if (!entry.gauge) entry.gauge = std::make_unique<Gauge>();
  return *entry.gauge;
}

Histogram& MetricsRegistry::histogram(std::string_view name, std::string_view help,
                                      const std::vector<double>& upper_bounds,
                                      const Labels& labels) {
  MutexLock lock(mutex_);
  Series& entry = series(name, help, Kind::kHistogram, labels);
  if (!entry.histogram) entry.histogram = std::make_unique<Histogram>(upper_bounds);
  return *entry.histogram;
}

void MetricsRegistry::remove(std::string_view name, const Labels& labels) {
  MutexLock lock(mutex_);
  if (auto family = families_.find(name); family != families_.end()) {
    family->second.series.erase(labels);
  }
}

std::string MetricsRegistry::to_text() const {
  MutexLock lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    if (family.series.empty()) continue;
    const std::string_view type = family.kind == Kind::kCounter ? "counter"
                                  : family.kind == Kind::kGauge ? "gauge"
                                                                : "histogram";
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, family.help, name, type);
    for (const auto& [labels, entry] : family.series) {
      if (family.kind != Kind::kHistogram) {
        out += name;
        append_labels(out, labels);
        out += ' ';
        out += format_number(entry.counter ? entry.counter->value() : entry.gauge->value());
        out += '\n';
        continue;
      }
      const Histogram::Snapshot snapshot = entry.histogram->snapshot();
      for (size_t i = 0; i < snapshot.cumulative.size(); ++i) {
        out += name;
        out += "_bucket";
        append_labels(out, labels,
                      i < snapshot.upper_bounds.size() ? format_number(snapshot.upper_bounds[i])
                                                       : std::string("+Inf"));
        out += ' ' + format_number(static_cast<double>(snapshot.cumulative[i])) + '\n';
      }
      out += name;
      out += "_sum";
      append_labels(out, labels);
      out += ' ' + format_number(snapshot.sum) + '\n';
      out += name;
      out += "_count";
      append_labels(out, labels);
      out += ' ' + format_number(static_cast<double>(snapshot.cumulative.back())) + '\n';
    }
  }
  return out;
}

MetricsRegistry& metrics() {
  static MetricsRegistry registry;
  return registry;
}

}  // namespace drainer
