#include "tests/unit/cluster/kv_world.h"

#include <catch2/catch.hpp>

namespace drainer::cluster {
namespace {

using fakes::FakeClock;
using fakes::handler;
using fakes::kVersion;
using fakes::KvWorld;
using fakes::script;
using fakes::value_response;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tikvpb::CheckSecondaryLocksRequest;
using tikvpb::CheckSecondaryLocksResponse;
using tikvpb::CheckTxnStatusRequest;
using tikvpb::CheckTxnStatusResponse;
using tikvpb::CleanupRequest;
using tikvpb::CleanupResponse;
using tikvpb::GetRequest;
using tikvpb::GetResponse;
using tikvpb::ResolveLockRequest;
using tikvpb::ResolveLockResponse;

constexpr uint64_t kTtlMs = 3000;

/// Start ts of a transaction that began so many milliseconds before the test.
uint64_t started_ms_ago(int64_t ms) {
  return static_cast<uint64_t>(make_commit_ts(FakeClock().unix_ms() - ms, 1).value);
}

tikvpb::LockInfo make_lock(uint64_t start_ts, uint64_t txn_size = 1) {
  tikvpb::LockInfo lock;
  lock.set_key("k");
  lock.set_primary_lock("primary");
  lock.set_lock_version(start_ts);
  lock.set_lock_ttl(kTtlMs);
  lock.set_txn_size(txn_size);
  return lock;
}

/// One store; "k" is locked until something removes the lock, then "v".
struct LockedWorld : KvWorld {
  explicit LockedWorld(tikvpb::LockInfo the_lock) : lock(std::move(the_lock)) {
    methods["KvGet"] = handler<GetRequest, GetResponse>([this](const GetRequest& request) {
      const auto& ignored = request.context().resolved_locks();
      const bool is_ignored =
          std::find(ignored.begin(), ignored.end(), lock.lock_version()) != ignored.end();
      if (!is_locked || is_ignored) return value_response("v");
      GetResponse response;
      *response.mutable_error()->mutable_locked() = lock;
      return response;
    });
    methods["KvResolveLock"] =
        handler<ResolveLockRequest, ResolveLockResponse>([this](const ResolveLockRequest& request) {
          resolved.push_back(request);
          is_locked = false;
          return ResolveLockResponse();
        });
  }
  std::optional<Bytes> read() {
    serve(1, methods);
    return client->get("k", kVersion, {}).value();
  }
  size_t calls(std::string_view method) const {
    return net.count("s1:1 /tikvpb.Tikv/" + std::string(method));
  }
  template <class Request>
  Request last(const std::string& method) {
    Request request;
    REQUIRE(request.ParseFromString(requests[method]));
    return request;
  }

  tikvpb::LockInfo lock;
  bool is_locked = true;
  Methods methods;
  std::vector<ResolveLockRequest> resolved;
};

CheckTxnStatusResponse committed_at(uint64_t commit_ts) {
  CheckTxnStatusResponse response;
  response.set_commit_version(commit_ts);
  return response;
}

CheckTxnStatusResponse alive(uint64_t ttl_ms, tikvpb::Action action = tikvpb::NoAction) {
  CheckTxnStatusResponse response;
  response.set_lock_ttl(ttl_ms);
  response.set_action(action);
  return response;
}

TEST_CASE("lock: of a committed transaction is resolved with its commit ts, and the read goes on") {
  LockedWorld world(make_lock(started_ms_ago(10'000)));
  world.methods["KvCheckTxnStatus"] = script<CheckTxnStatusResponse>({committed_at(77)});
  CHECK(world.read() == "v");

  const auto status = world.last<CheckTxnStatusRequest>("KvCheckTxnStatus");
  CHECK(status.primary_key() == "primary");
  CHECK(status.lock_ts() == world.lock.lock_version());
  CHECK(status.caller_start_ts() == static_cast<uint64_t>(kVersion.value));
  CHECK(physical_ms(CommitTs(static_cast<int64_t>(status.current_ts()))) == world.clock.unix_ms());
  CHECK_FALSE(status.rollback_if_not_exist());
  CHECK(status.verify_is_primary());
  CHECK(status.context().max_execution_duration_ms() == 20000);
  REQUIRE(world.resolved.size() == 1);
  CHECK(world.resolved[0].start_version() == world.lock.lock_version());
  CHECK(world.resolved[0].commit_version() == 77);
  REQUIRE(world.resolved[0].keys_size() == 1);
  CHECK(world.resolved[0].keys(0) == "k");
  CHECK(world.clock.slept().empty());
}

TEST_CASE("lock: of a rolled back transaction is removed") {
  LockedWorld world(make_lock(started_ms_ago(10'000)));
  CheckTxnStatusResponse rolled_back;
  rolled_back.set_action(tikvpb::TTLExpireRollback);
  world.methods["KvCheckTxnStatus"] = script<CheckTxnStatusResponse>({rolled_back});
  CHECK(world.read() == "v");
  CHECK(world.resolved.at(0).commit_version() == 0);
}

TEST_CASE("lock: of a big transaction is resolved for the whole region") {
  LockedWorld world(make_lock(started_ms_ago(10'000), /*txn_size=*/16));
  world.methods["KvCheckTxnStatus"] = script<CheckTxnStatusResponse>({committed_at(77)});
  CHECK(world.read() == "v");
  CHECK(world.resolved.at(0).keys_size() == 0);
}

TEST_CASE("lock: on the primary itself needs no second step") {
  LockedWorld world([] {
    tikvpb::LockInfo lock = make_lock(started_ms_ago(10'000));
    lock.set_primary_lock("k");
    return lock;
  }());
  world.methods["KvCheckTxnStatus"] =
      handler<CheckTxnStatusRequest, CheckTxnStatusResponse>([&](const auto&) {
        world.is_locked = false;
        return committed_at(77);
      });
  CHECK(world.read() == "v");
  CHECK(world.resolved.empty());
}

TEST_CASE("lock: of a living transaction is waited for, not longer than it lives") {
  LockedWorld world(make_lock(started_ms_ago(2'995)));
  world.methods["KvCheckTxnStatus"] =
      script<CheckTxnStatusResponse>({alive(kTtlMs), committed_at(77)});
  CHECK(world.read() == "v");
  REQUIRE(world.clock.slept().size() == 1);
  CHECK(world.slept() == milliseconds(5));
}

TEST_CASE("lock: of a transaction that never ends fails the read after 20 seconds") {
  LockedWorld world(make_lock(started_ms_ago(0)));
  world.methods["KvCheckTxnStatus"] = script<CheckTxnStatusResponse>({alive(3'600'000)});
  world.serve(1, world.methods);
  const Error error = world.client->get("k", kVersion, {}).error();
  CHECK(error.to_string().find("mostly for: locked by a transaction") != std::string::npos);
  CHECK(world.slept() <= seconds(20));
  CHECK(world.resolved.empty());
}

TEST_CASE("lock: whose commit has been pushed beyond the read is read past, without waiting") {
  LockedWorld world(make_lock(started_ms_ago(0)));
  world.methods["KvCheckTxnStatus"] =
      script<CheckTxnStatusResponse>({alive(kTtlMs, tikvpb::MinCommitTSPushed)});
  CHECK(world.read() == "v");
  CHECK(world.is_locked);
  CHECK(world.clock.slept().empty());
  CHECK(world.last<GetRequest>("KvGet").context().resolved_locks_size() == 1);
}

TEST_CASE("lock: without time to live is resolved unconditionally") {
  LockedWorld world([] {
    tikvpb::LockInfo lock = make_lock(started_ms_ago(10));
    lock.set_lock_ttl(0);
    return lock;
  }());
  world.methods["KvCheckTxnStatus"] = script<CheckTxnStatusResponse>({committed_at(0)});
  CHECK(world.read() == "v");
  CHECK(world.last<CheckTxnStatusRequest>("KvCheckTxnStatus").current_ts() == UINT64_MAX);
}

CheckTxnStatusResponse not_found() {
  CheckTxnStatusResponse response;
  response.mutable_error()->mutable_txn_not_found()->set_start_ts(1);
  return response;
}

TEST_CASE("lock: whose primary does not exist is rolled back once it has expired, not before") {
  LockedWorld world(make_lock(started_ms_ago(2'990)));
  world.methods["KvCheckTxnStatus"] = handler<CheckTxnStatusRequest, CheckTxnStatusResponse>(
      [&](const CheckTxnStatusRequest& request) {
        if (!request.rollback_if_not_exist()) return not_found();
        CHECK(world.slept() >= milliseconds(10));
        return committed_at(0);
      });
  CHECK(world.read() == "v");
  CHECK(world.resolved.at(0).commit_version() == 0);
}

TEST_CASE("lock: with another primary than it says is read again") {
  LockedWorld world(make_lock(started_ms_ago(10'000)));
  world.methods["KvCheckTxnStatus"] =
      handler<CheckTxnStatusRequest, CheckTxnStatusResponse>([&](const auto&) {
        world.is_locked = false;
        CheckTxnStatusResponse response;
        response.mutable_error()->mutable_primary_mismatch();
        return response;
      });
  CHECK(world.read() == "v");
  CHECK(world.clock.slept().size() == 1);
  CHECK(world.resolved.empty());
}

TEST_CASE("lock: region errors of the status check are followed") {
  LockedWorld world(make_lock(started_ms_ago(10'000)));
  CheckTxnStatusResponse moved;
  moved.mutable_region_error()->mutable_region_not_found();
  world.methods["KvCheckTxnStatus"] =
      script<CheckTxnStatusResponse>({moved, moved, committed_at(77)});
  CHECK(world.read() == "v");
  CHECK(world.resolved.at(0).commit_version() == 77);
}

/// Status of an expired async-commit transaction with secondaries "k" and "z".
CheckTxnStatusResponse async_commit(uint64_t min_commit_ts) {
  CheckTxnStatusResponse response = alive(kTtlMs);
  response.mutable_lock_info()->set_use_async_commit(true);
  response.mutable_lock_info()->set_min_commit_ts(min_commit_ts);
  response.mutable_lock_info()->add_secondaries("k");
  response.mutable_lock_info()->add_secondaries("z");
  return response;
}

/// Regions that end at "p" and begin there: "k" lies in one, "primary" and "z" in the other.
void split_at_p(LockedWorld& world) {
  world.pd.regions = {KvWorld::region(2, "", "p"), KvWorld::region(7, "p", "")};
}

/// Every secondary asked for is still locked, with its own min commit ts.
CheckSecondaryLocksResponse all_locked(const CheckSecondaryLocksRequest& request) {
  CheckSecondaryLocksResponse response;
  for (const std::string& key : request.keys()) {
    tikvpb::LockInfo& lock = *response.add_locks();
    lock.set_key(key);
    lock.set_use_async_commit(true);
    lock.set_min_commit_ts(key == "z" ? 200 : 100);
  }
  return response;
}

TEST_CASE("lock: of async commit with all keys locked commits at the largest min commit ts") {
  for (const uint64_t primary_min : {150U, 250U}) {
    LockedWorld world(make_lock(started_ms_ago(10'000)));
    split_at_p(world);
    world.methods["KvCheckTxnStatus"] = script<CheckTxnStatusResponse>({async_commit(primary_min)});
    world.methods["KvCheckSecondaryLocks"] =
        handler<CheckSecondaryLocksRequest, CheckSecondaryLocksResponse>(all_locked);
    CHECK(world.read() == "v");
    REQUIRE(world.resolved.size() == 2);  // One request per region.
    std::vector<std::string> keys;
    for (const ResolveLockRequest& request : world.resolved) {
      CHECK(request.commit_version() == std::max<uint64_t>(primary_min, 200));
      keys.insert(keys.end(), request.keys().begin(), request.keys().end());
    }
    std::sort(keys.begin(), keys.end());
    CHECK(keys == std::vector<std::string>{"k", "primary", "z"});
  }
}

TEST_CASE("lock: of async commit ends as a secondary without lock says, whatever the others say") {
  for (const uint64_t commit_ts : {0U, 120U}) {
    LockedWorld world(make_lock(started_ms_ago(10'000)));
    split_at_p(world);
    world.methods["KvCheckTxnStatus"] = script<CheckTxnStatusResponse>({async_commit(150)});
    world.methods["KvCheckSecondaryLocks"] =
        handler<CheckSecondaryLocksRequest, CheckSecondaryLocksResponse>(
            [&](const CheckSecondaryLocksRequest& request) {
              if (request.keys(0) != "k") return all_locked(request);
              CheckSecondaryLocksResponse response;
              response.set_commit_ts(commit_ts);
              return response;
            });
    CHECK(world.read() == "v");
    REQUIRE(world.resolved.size() == 2);
    for (const ResolveLockRequest& request : world.resolved) {
      CHECK(request.commit_version() == commit_ts);
    }
  }
}

TEST_CASE("lock: of async commit that fell back to two phases is checked again as such") {
  LockedWorld world(make_lock(started_ms_ago(10'000)));
  world.methods["KvCheckTxnStatus"] = handler<CheckTxnStatusRequest, CheckTxnStatusResponse>(
      [](const CheckTxnStatusRequest& request) {
        return request.force_sync_commit() ? committed_at(0) : async_commit(150);
      });
  world.methods["KvCheckSecondaryLocks"] =
      handler<CheckSecondaryLocksRequest, CheckSecondaryLocksResponse>(
          [](const CheckSecondaryLocksRequest& request) {
            CheckSecondaryLocksResponse response = all_locked(request);
            response.mutable_locks(1)->set_use_async_commit(false);
            return response;
          });
  CHECK(world.read() == "v");
  CHECK(world.calls("KvCheckTxnStatus") == 2);
  CHECK(world.resolved.at(0).commit_version() == 0);
}

TEST_CASE("lock: of living async commit is waited for like any other") {
  LockedWorld world(make_lock(started_ms_ago(2'990)));
  world.methods["KvCheckTxnStatus"] =
      script<CheckTxnStatusResponse>({async_commit(150), committed_at(150)});
  CHECK(world.read() == "v");
  CHECK(world.clock.slept().size() == 1);
  CHECK(world.calls("KvCheckSecondaryLocks") == 0);
}

TEST_CASE("lock: two commit ts of one transaction are an error, not a guess") {
  LockedWorld world(make_lock(started_ms_ago(10'000)));
  split_at_p(world);
  world.methods["KvCheckTxnStatus"] = script<CheckTxnStatusResponse>({async_commit(150)});
  world.methods["KvCheckSecondaryLocks"] =
      handler<CheckSecondaryLocksRequest, CheckSecondaryLocksResponse>(
          [](const CheckSecondaryLocksRequest& request) {
            CheckSecondaryLocksResponse response;
            response.set_commit_ts(request.keys(0) == "k" ? 120 : 130);
            return response;
          });
  world.serve(1, world.methods);
  CHECK(world.client->get("k", kVersion, {}).error().code() == ErrorCode::kInternal);
  CHECK(world.resolved.empty());
}

TEST_CASE("lock: TiKV before v4.0 is asked to clean up, but only once the lock has expired") {
  LockedWorld world(make_lock(started_ms_ago(2'500)));
  world.methods["KvCleanup"] =
      handler<CleanupRequest, CleanupResponse>([&](const CleanupRequest& request) {
        CHECK(world.slept() >= milliseconds(500));
        CHECK(request.key() == "primary");
        CHECK(request.start_version() == world.lock.lock_version());
        CHECK(physical_ms(CommitTs(static_cast<int64_t>(request.current_ts()))) ==
              world.clock.unix_ms());
        CleanupResponse response;
        response.set_commit_version(88);
        return response;
      });
  CHECK(world.read() == "v");
  CHECK(world.calls("KvCleanup") == 1);
  CHECK(world.resolved.at(0).commit_version() == 88);
}

TEST_CASE("lock: a clean-up that finds the primary alive waits") {
  LockedWorld world(make_lock(started_ms_ago(10'000)));
  CleanupResponse still_locked;
  still_locked.mutable_error()->mutable_locked()->set_key("primary");
  world.methods["KvCleanup"] = script<CleanupResponse>({still_locked, CleanupResponse()});
  CHECK(world.read() == "v");
  CHECK(world.clock.slept().size() == 1);
  CHECK(world.resolved.at(0).commit_version() == 0);
}

}  // namespace
}  // namespace drainer::cluster
