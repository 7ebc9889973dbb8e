#include "drainer/base/retry.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/fakes/fake_clock.h"

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

TEST_CASE("retry: what is tried again, how often, and the error that is left") {
  struct Case {
    const char* name;
    std::vector<ErrorCode> failures;  ///< of the attempts one after the other; then all is well
    int attempts;
    int want_attempts;
    std::optional<ErrorCode> want;  ///< nothing: it is well
  };
  const ErrorCode gone = ErrorCode::kUnavailable;
  const Case cases[] = {
      {"well at once", {}, 3, 1, std::nullopt},
      {"well at the last", {gone, gone}, 3, 3, std::nullopt},
      {"never well", {gone, gone, ErrorCode::kInvalid, gone}, 3, 3, ErrorCode::kInvalid},
      {"somebody else holds it", {gone, ErrorCode::kConflict}, 3, 2, ErrorCode::kConflict},
      {"stopped within", {ErrorCode::kStopped}, 3, 1, ErrorCode::kStopped},
      {"one attempt", {gone}, 1, 1, gone},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    fakes::FakeClock clock;
    const StopSource stop;
    const TimePoint begin = clock.now();
    size_t made = 0;
    const Result<void> done =
        try_times(c.attempts, milliseconds(7), clock, stop.get_token(), [&]() -> Result<void> {
          if (made++ < c.failures.size()) return make_error(c.failures[made - 1], "no");
          return {};
        });
    CHECK(made == static_cast<size_t>(c.want_attempts));
    CHECK(done.ok() == !c.want.has_value());
    if (!done.ok() && c.want) CHECK(done.error().code() == *c.want);
    CHECK(clock.now() - begin == milliseconds(7) * (c.want_attempts - 1));
  }
}

TEST_CASE("retry: a stop ends the pause and names the error before") {
  fakes::FakeClock clock;
  StopSource stop;
  int made = 0;
  const Result<void> done =
      try_times(3, milliseconds(7), clock, stop.get_token(), [&]() -> Result<void> {
        ++made;
        stop.request_stop();
        return make_error(ErrorCode::kUnavailable, "pd-1 refuses");
      });
  CHECK(made == 1);
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().code() == ErrorCode::kStopped);
  CHECK(done.error().to_string().find("pd-1 refuses") != std::string::npos);
}
