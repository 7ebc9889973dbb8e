#include "drainer/base/retry.h"

#include <atomic>

namespace drainer {

uint32_t next_retry_seed() {
  static std::atomic<uint32_t> count = std::random_device()();
  // The engine's first number follows the seed closely: neighbours are moved far apart.
  constexpr uint32_t kGoldenRatio = 0x9e3779b9;
  return count.fetch_add(1, std::memory_order_relaxed) * kGoldenRatio;
}

}  // namespace drainer
