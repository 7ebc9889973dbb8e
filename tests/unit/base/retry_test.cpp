#include "drainer/base/retry.h"

#include <set>
#include <vector>

#include <catch2/catch.hpp>

using namespace drainer;
using std::chrono::milliseconds;

namespace {

constexpr Backoff::Limits kLimits{.first = milliseconds(100), .max = milliseconds(1000)};

std::vector<Duration> pauses(Backoff backoff) {
  std::vector<Duration> out;
  for (int i = 0; i < 6; ++i) out.push_back(backoff.next());
  return out;
}

}  // namespace

TEST_CASE("retry: pauses double up to the limit, half of each is random") {
  const std::vector<Duration> got = pauses(Backoff(kLimits));
  const int full_ms[] = {100, 200, 400, 800, 1000, 1000};
  for (size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i] >= milliseconds(full_ms[i]) / 2);
    CHECK(got[i] <= milliseconds(full_ms[i]));
  }
}

TEST_CASE("retry: those that fail together do not come again together") {
  std::set<int64_t> first_ms;
  for (int i = 0; i < 16; ++i) {
    first_ms.insert(std::chrono::duration_cast<milliseconds>(Backoff(kLimits).next()).count());
  }
  // Of 50 possible ones, in the mean 14 differ.
  CHECK(first_ms.size() > 4);
}

TEST_CASE("retry: a seed makes them repeat") {
  CHECK(pauses(Backoff(kLimits, 7)) == pauses(Backoff(kLimits, 7)));
}
