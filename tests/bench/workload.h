#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace drainer::bench {

/// What upstream_sim plays in a benchmark. Plain data.
struct Workload {
  std::string capture;  ///< directory
  std::string repeat = "1";
  uint64_t rows = 0;          ///< row changes, repeats included
  uint64_t transactions = 0;  ///< with rows
};

/// Names of the workloads that make_workload() knows, with a line each, for --help.
std::string_view workload_help();

/// Generates the workload called `name` below `directory`, `scale` times its usual size.
/// False for an unknown name.
bool make_workload(std::string_view name, double scale, const std::string& directory,
                   Workload& workload);

/// A recorded capture, played `repeat` times.
Workload recorded_workload(const std::string& capture, const std::string& repeat);

}  // namespace drainer::bench
