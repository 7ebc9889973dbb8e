// The TiKV store as a stock gRPC client meets it.

#include "tests/upstream/test_client.h"

#include "tests/upstream/meta_keys.h"

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::upstream;

namespace {

constexpr int64_t kFinishedTs = SmallCapture::ts(500);

Bytes history_key(int64_t job_id) {
  Bytes field;
  append_be64(field, static_cast<uint64_t>(job_id));
  return hash_field_key("DDLJobHistory", field);
}

/// Ten keys m0…m9, one of which changes, one of which goes, and a job that ends in between.
struct Store {
  SmallCapture capture;
  TestClient client;

  explicit Store(SimOptions options = {}) : client(written(), std::move(options)) {}

  std::string written() {
    for (char c = '0'; c < '8'; ++c) capture.add_meta(Bytes("m") + c, Bytes("v") + c, true);
    capture.add_meta("m8", "new", false);
    capture.add_meta(
        history_key(9),
        fmt::format(R"({{"id":9,"type":1,"state":6,"schema_id":5,"binlog":{{"SchemaVersion":3,)"
                    R"("DBInfo":{{"id":5}},"TableInfo":null,"FinishedTS":{}}}}})",
                    kFinishedTs),
        false);
    capture.add({.start_ts = SmallCapture::ts(400),
                 .commit_ts = SmallCapture::ts(400) + 1,
                 .ddl_job_id = 9});
    capture.add_transactions(20);
    return capture.write();
  }

  tikvpb::GetResponse get(const Bytes& key, uint64_t version) const {
    tikvpb::GetRequest request;
    *request.mutable_context() = client.region_of(key);
    request.set_key(key);
    request.set_version(version);
    return get(request);
  }
  tikvpb::GetResponse get(const tikvpb::GetRequest& request) const {
    tikvpb::GetResponse response;
    REQUIRE(client.tikv()->KvGet(TestClient::context().get(), request, &response).ok());
    return response;
  }
  tikvpb::ScanResponse scan(const tikvpb::ScanRequest& request) const {
    tikvpb::ScanResponse response;
    REQUIRE(client.tikv()->KvScan(TestClient::context().get(), request, &response).ok());
    return response;
  }
};

std::string keys_of(const tikvpb::ScanResponse& response) {
  std::string out;
  for (const auto& pair : response.pairs()) out += pair.key() + " ";
  return out;
}

}  // namespace

TEST_CASE("tikv: a reader sees the version of its timestamp") {
  Store store;
  CHECK(store.get("m1", SmallCapture::kFromTs).value() == "v1");
  CHECK(store.get("m1", SmallCapture::kFromTs - 1).not_found());
  CHECK(store.get("m8", SmallCapture::kMetaTs - 1).not_found());
  CHECK(store.get("m8", SmallCapture::kMetaTs).value() == "new");
  CHECK(store.get("m8", store.client.tso()).value() == "new");
  CHECK(store.get("mx", store.client.tso()).not_found());
}

TEST_CASE("tikv: a history job appears at its end, with the database it made") {
  Store store;
  CHECK(store.get(history_key(9), kFinishedTs - 1).not_found());
  CHECK(store.get(history_key(9), kFinishedTs).value().find(R"("id":9)") != std::string::npos);
  CHECK(store.get(database_key(5), kFinishedTs - 1).not_found());
  CHECK(store.get(database_key(5), kFinishedTs).value() == R"({"id":5})");
  // The snapshot at meta_ts rules in the end, and it has no such key.
  CHECK(store.get(database_key(5), SmallCapture::kMetaTs).not_found());
}

TEST_CASE("tikv: with --history served a job shows once its record has been sent") {
  SimOptions options;
  options.history_as_served = true;
  options.faults = {"pump-1 end at 11"};  // the DDL's record is the eleventh
  Store store(options);
  CHECK(store.get(history_key(9), store.client.tso()).not_found());
  CHECK(store.client.pull(0, SmallCapture::kFromTs, 11).records.size() == 10);
  CHECK(store.get(history_key(9), store.client.tso()).not_found());
  CHECK(store.client.pull(0, SmallCapture::ts(20), 1).records.size() == 1);
  CHECK_FALSE(store.get(history_key(9), store.client.tso()).not_found());
}

TEST_CASE("tikv: scans honour bounds, limit, direction and keys only") {
  Store store;
  tikvpb::ScanRequest request;
  *request.mutable_context() = store.client.region_of("m2");
  request.set_start_key("m2");
  request.set_end_key("m6");
  request.set_limit(3);
  request.set_version(store.client.tso());
  CHECK(keys_of(store.scan(request)) == "m2 m3 m4 ");
  CHECK(store.scan(request).pairs(0).value() == "v2");
  request.set_limit(100);
  request.set_key_only(true);
  CHECK(keys_of(store.scan(request)) == "m2 m3 m4 m5 ");
  CHECK(store.scan(request).pairs(0).value().empty());
  request.set_reverse(true);
  request.set_start_key("m6");
  request.set_end_key("m2");
  CHECK(keys_of(store.scan(request)) == "m5 m4 m3 m2 ");
}

TEST_CASE("tikv: a batch get returns what is there") {
  Store store;
  tikvpb::BatchGetRequest request;
  *request.mutable_context() = store.client.region_of("m2");
  for (const char* key : {"m2", "mx", "m4"}) request.add_keys(key);
  request.set_version(store.client.tso());
  tikvpb::BatchGetResponse response;
  REQUIRE(store.client.tikv()->KvBatchGet(TestClient::context().get(), request, &response).ok());
  REQUIRE(response.pairs_size() == 2);
  CHECK(response.pairs(1).value() == "v4");
}

TEST_CASE("tikv: a split region refuses the old epoch and names both halves") {
  Store store;
  tikvpb::GetRequest request;
  *request.mutable_context() = store.client.region_of("m1");
  request.set_key("m1");
  request.set_version(store.client.tso());
  REQUIRE(store.client.sim().apply_fault("tikv split").ok());
  const auto refused = store.get(request);
  REQUIRE(refused.region_error().has_epoch_not_match());
  CHECK(refused.region_error().epoch_not_match().current_regions_size() == 2);
  *request.mutable_context() = store.client.region_of("m1");
  CHECK(store.get(request).value() == "v1");
  // The right half is another region now.
  request.set_key("m8");
  CHECK(store.get(request).region_error().has_key_not_in_region());
  CHECK(store.get("m8", store.client.tso()).value() == "new");
  tikvpb::ScanRequest scan;
  *scan.mutable_context() = store.client.region_of("m0");
  scan.set_start_key("m0");
  scan.set_limit(100);
  scan.set_version(store.client.tso());
  const auto half = store.scan(scan);
  CHECK(half.pairs_size() > 0);
  CHECK(half.pairs_size() < 9);
}

TEST_CASE("tikv: requests to a wrong region or store are refused") {
  Store store;
  tikvpb::GetRequest request;
  *request.mutable_context() = store.client.region_of("m1");
  request.set_key("m1");
  request.mutable_context()->set_region_id(999);
  CHECK(store.get(request).region_error().region_not_found().region_id() == 999);
  *request.mutable_context() = store.client.region_of("m1");
  request.mutable_context()->mutable_peer()->set_store_id(7);
  CHECK(store.get(request).region_error().store_not_match().actual_store_id() == 1);
}

TEST_CASE("tikv fault: every region error can be ordered, as often as asked") {
  Store store;
  const uint64_t version = store.client.tso();
  for (const char* kind :
       {"not-leader", "new-leader", "region-not-found", "key-not-in-region", "epoch-not-match",
        "busy", "stale-command", "store-not-match", "timestamp-not-synced", "read-index-not-ready",
        "merging", "data-is-not-ready", "region-not-initialized", "disk-full", "recovery",
        "is-witness", "mismatch-peer", "bucket-version", "unknown-error"}) {
    INFO(kind);
    REQUIRE(store.client.sim().apply_fault(fmt::format("tikv {} 2", kind)).ok());
    CHECK(store.get("m1", version).has_region_error());
    const auto error = store.get("m1", version).region_error();
    CHECK(error.not_leader().has_leader() == (kind == std::string("new-leader")));
    CHECK((error.ByteSizeLong() > error.message().size() + 2) ==
          (kind != std::string("unknown-error")));
    CHECK(store.get("m1", version).value() == "v1");
  }
}

TEST_CASE("tikv fault: a lock blocks reads until its transaction's fate is known and resolved") {
  const std::string kind = GENERATE("lock-dead", "lock-committed", "lock-async", "lock-alive");
  Store store;
  REQUIRE(store.client.sim().apply_fault("tikv " + kind + " 1").ok());
  const uint64_t version = store.client.tso();
  const auto blocked = store.get("m1", version);
  REQUIRE(blocked.error().has_locked());
  const auto& lock = blocked.error().locked();
  CHECK(lock.key() == "m1");
  CHECK(lock.lock_version() < version);
  CHECK(lock.use_async_commit() == (kind == "lock-async"));

  tikvpb::CheckTxnStatusRequest check;
  *check.mutable_context() = store.client.region_of(lock.primary_lock());
  check.set_primary_key(lock.primary_lock());
  check.set_lock_ts(lock.lock_version());
  tikvpb::CheckTxnStatusResponse status;
  const auto stub = store.client.tikv();
  const auto ask = [&] {
    status.Clear();
    REQUIRE(stub->KvCheckTxnStatus(TestClient::context().get(), check, &status).ok());
  };
  ask();
  if (kind == "lock-dead") {
    CHECK(status.action() == tikvpb::TTLExpireRollback);
    CHECK(status.commit_version() == 0);
  } else if (kind == "lock-committed") {
    CHECK(status.commit_version() > lock.lock_version());
  } else if (kind == "lock-async") {
    REQUIRE(status.lock_info().secondaries_size() == 1);
    tikvpb::CheckSecondaryLocksRequest secondaries;
    *secondaries.mutable_context() = store.client.region_of("m1");
    secondaries.add_keys(status.lock_info().secondaries(0));
    secondaries.set_start_version(lock.lock_version());
    tikvpb::CheckSecondaryLocksResponse locks;
    REQUIRE(stub->KvCheckSecondaryLocks(TestClient::context().get(), secondaries, &locks).ok());
    REQUIRE(locks.locks_size() == 1);
    CHECK(locks.locks(0).min_commit_ts() > 0);
  } else {
    CHECK(status.lock_ttl() > 0);
    while (status.lock_ttl() > 0) ask();  // it commits within its second
    CHECK(status.commit_version() > version);
  }

  // The check rolls a dead transaction's primary back; other locks stay until they are resolved.
  CHECK(store.get("m1", version).error().has_locked() == (kind != "lock-dead"));
  tikvpb::ResolveLockRequest resolve;
  *resolve.mutable_context() = store.client.region_of("m1");
  resolve.set_start_version(lock.lock_version());
  resolve.set_commit_version(status.commit_version());
  resolve.add_keys("m1");
  tikvpb::ResolveLockResponse resolved;
  REQUIRE(stub->KvResolveLock(TestClient::context().get(), resolve, &resolved).ok());
  CHECK(store.get("m1", version).value() == "v1");
}

TEST_CASE("tikv: resolved locks named in the request do not block") {
  Store store;
  REQUIRE(store.client.sim().apply_fault("tikv lock-dead 1").ok());
  tikvpb::GetRequest request;
  *request.mutable_context() = store.client.region_of("m1");
  request.set_key("m1");
  request.set_version(store.client.tso());
  const auto blocked = store.get(request);
  REQUIRE(blocked.error().has_locked());
  request.mutable_context()->add_resolved_locks(blocked.error().locked().lock_version());
  CHECK(store.get(request).value() == "v1");
}

TEST_CASE("tikv: an unknown transaction is not found, or rolled back when asked to") {
  Store store;
  tikvpb::CheckTxnStatusRequest request;
  *request.mutable_context() = store.client.region_of("m1");
  request.set_primary_key("m1");
  request.set_lock_ts(5);
  tikvpb::CheckTxnStatusResponse response;
  const auto stub = store.client.tikv();
  REQUIRE(stub->KvCheckTxnStatus(TestClient::context().get(), request, &response).ok());
  CHECK(response.error().txn_not_found().start_ts() == 5);
  request.set_rollback_if_not_exist(true);
  response.Clear();
  REQUIRE(stub->KvCheckTxnStatus(TestClient::context().get(), request, &response).ok());
  CHECK(response.action() == tikvpb::LockNotExistRollback);
}

TEST_CASE("tikv: commands in a batch are answered under their ids") {
  Store store;
  const auto stub = store.client.tikv();
  const auto context = TestClient::context();
  const auto stream = stub->BatchCommands(context.get());
  tikvpb::BatchCommandsRequest requests;
  auto* get = requests.add_requests()->mutable_get();
  *get->mutable_context() = store.client.region_of("m3");
  get->set_key("m3");
  get->set_version(store.client.tso());
  requests.add_request_ids(70);
  auto* scan = requests.add_requests()->mutable_scan();
  *scan->mutable_context() = get->context();
  scan->set_start_key("m");
  scan->set_limit(2);
  scan->set_version(get->version());
  requests.add_request_ids(71);
  requests.add_requests()->mutable_empty()->set_test_id(5);
  requests.add_request_ids(72);
  REQUIRE(stream->Write(requests));
  tikvpb::BatchCommandsResponse responses;
  REQUIRE(stream->Read(&responses));
  REQUIRE(responses.responses_size() == 3);
  CHECK(responses.request_ids(0) == 70);
  CHECK(responses.responses(0).get().value() == "v3");
  CHECK(responses.responses(1).scan().pairs_size() == 2);
  CHECK(responses.responses(2).empty().test_id() == 5);
  stream->WritesDone();
  CHECK(stream->Finish().ok());
}
