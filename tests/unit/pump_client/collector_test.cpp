#include "pump_client/collector.h"

#include <catch2/catch.hpp>

#include "drainer/base/threads.h"
#include "tests/fakes/binlogs.h"

using namespace drainer;
using fakes::ddl_payload;
using fakes::dml_payload;
using fakes::fake_payload;

namespace {

std::shared_ptr<const tidb::DdlJob> job(int64_t id, tidb::DdlJobState state) {
  auto out = std::make_shared<tidb::DdlJob>();
  out->id = DdlJobId(id);
  out->state = state;
  return out;
}

// Runs `payloads` through a collector; the commit ts of what comes out, with the job ids of DDLs.
std::vector<std::pair<int64_t, int64_t>> collect(const std::vector<Bytes>& payloads, JobSource jobs,
                                                 Result<void>* outcome = nullptr) {
  Merger merger(CommitTs(0), {.items = 100, .bytes = 1 << 20});
  merger.set_sources({PumpId("p1")});
  Collector::Output output({.items = 100, .bytes = 1 << 20});
  Collector collector(merger, std::move(jobs), output);
  ThreadGroup threads;
  StopSource stop;
  for (const Bytes& payload : payloads) {
    REQUIRE(merger.offer(PumpId("p1"), fakes::one(fakes::item(payload)), stop.get_token()));
  }
  const int64_t last = fakes::item(payloads.back()).binlog().commit_ts.value;
  threads.start("collector", [&](StopToken token) { return collector.run(token); });
  std::vector<std::pair<int64_t, int64_t>> out;
  while (auto item = output.pop(stop.get_token())) {
    out.emplace_back(item->binlog().commit_ts.value,
                     item->ddl_job() ? item->ddl_job()->id.value : 0);
    if (out.back().first == last) threads.request_stop();
  }
  const Result<void> result = threads.wait();
  if (outcome != nullptr) *outcome = result;
  return out;
}

}  // namespace

TEST_CASE("collector: DDL binlogs get their job, others pass") {
  const auto out = collect(
      {dml_payload(10), ddl_payload(20, 77, "CREATE TABLE `t` (`a` INT);"), fake_payload(30)},
      [](DdlJobId id, const StopToken&) -> Result<std::shared_ptr<const tidb::DdlJob>> {
        return job(id.value, tidb::DdlJobState::kSynced);
      });
  CHECK(out == std::vector<std::pair<int64_t, int64_t>>{{10, 0}, {20, 77}, {30, 0}});
}

TEST_CASE("collector: sequence values, early and rolled back DDLs are dropped") {
  int asked = 0;
  const auto out =
      collect({ddl_payload(10, 1000, "SELECT SETVAL(`d`.`s`, 1000);"),
               ddl_payload(20, 78, "ALTER TABLE `t` DROP COLUMN `a`;", 1),
               ddl_payload(30, 79, "ALTER TABLE `t` ADD UNIQUE `u`(`a`);", 0), dml_payload(40)},
              [&](DdlJobId id, const StopToken&) -> Result<std::shared_ptr<const tidb::DdlJob>> {
                ++asked;
                return job(id.value, tidb::DdlJobState::kRollbackDone);
              });
  CHECK(out == std::vector<std::pair<int64_t, int64_t>>{{40, 0}});
  CHECK(asked == 1);
}

TEST_CASE("collector: a job that cannot be read ends it, with the id") {
  Result<void> outcome;
  const auto out = collect(
      {ddl_payload(20, 77, "DROP TABLE `t`;")},
      [](DdlJobId, const StopToken&) -> Result<std::shared_ptr<const tidb::DdlJob>> {
        return make_error(ErrorCode::kUnavailable, "no store answers");
      },
      &outcome);
  CHECK(out.empty());
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.error().to_string() == "commit ts 20: get ddl job by id 77: no store answers");
}
