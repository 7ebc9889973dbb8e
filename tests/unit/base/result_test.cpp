#include "drainer/base/result.h"

#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "drainer/base/ids.h"

// Catch's own CHECK replaces ours in the tests.
using namespace drainer;

namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return make_error(ErrorCode::kInvalid, "{} is odd", n);
  return n / 2;
}

Result<std::string> quarter(int n) {
  ASSIGN_OR_RETURN(const int once, half(n));
  ASSIGN_OR_RETURN(const int twice, half(once));
  return std::to_string(twice);
}

Result<void> must_be_even(int n) {
  TRY(half(n));
  return {};
}

}  // namespace

TEST_CASE("result: errors travel up, values come out") {
  CHECK(quarter(8).value() == "2");
  CHECK(quarter(6).error().text() == "3 is odd");
  CHECK(must_be_even(2).ok());
  CHECK(must_be_even(3).error().code() == ErrorCode::kInvalid);
}

TEST_CASE("result: contexts are printed from the outside in") {
  Error error = Error(ErrorCode::kUnavailable, "connection refused", 111)
                    .because("pump {}", "a")
                    .because("pull");
  CHECK(error.to_string() == "pull: pump a: connection refused");
  CHECK(error.detail() == 111);
}

TEST_CASE("result: holds what can only be moved") {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(4);
  const std::unique_ptr<int> value = std::move(result).value();
  CHECK(*value == 4);
}

TEST_CASE("result: TRY takes what has a name, can only be moved, and leaves it whole") {
  Result<std::unique_ptr<int>> good = std::make_unique<int>(4);
  Result<std::unique_ptr<int>> bad = make_error(ErrorCode::kInvalid, "odd");
  const auto check_both = [&]() -> Result<void> {
    TRY(good);
    TRY(bad);
    return {};
  };
  CHECK(check_both().error().text() == "odd");
  CHECK(**good == 4);
  CHECK(bad.error().text() == "odd");
}

TEST_CASE("ids: a TSO has a physical part in milliseconds") {
  const CommitTs ts(419430400000000005);
  CHECK(physical_ms(ts) == 1600000000000);
  CHECK(make_commit_ts(1600000000000, 5) == ts);
  CHECK(fmt::format("{}", ts) == "419430400000000005");
}
