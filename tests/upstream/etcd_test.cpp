// PD and its etcd as a stock gRPC client meets them.

#include "tests/upstream/test_client.h"

#include <rapidjson/document.h>

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::upstream;

namespace {

/// A simulator whose capture does not matter.
struct Quiet {
  SmallCapture capture;
  TestClient client;

  explicit Quiet(SimOptions options = {}) : client(written(), std::move(options)) {}
  std::string written() {
    capture.add_transactions(4);
    capture.add_meta("ma", "1", true);
    capture.add_meta("mb", "2", true);
    return capture.write();
  }
};

etcdserverpb::TxnRequest put_if_mod_revision(const std::string& key, const std::string& value,
                                             etcdserverpb::Compare::CompareResult result) {
  etcdserverpb::TxnRequest request;
  auto* compare = request.add_compare();
  compare->set_result(result);
  compare->set_target(etcdserverpb::Compare::MOD);
  compare->set_key(key);
  compare->set_mod_revision(0);
  auto* put = request.add_success()->mutable_request_put();
  put->set_key(key);
  put->set_value(value);
  return request;
}

bool commit(const TestClient& client, const etcdserverpb::TxnRequest& request) {
  etcdserverpb::TxnResponse response;
  REQUIRE(client.kv()->Txn(TestClient::context().get(), request, &response).ok());
  return response.succeeded();
}

grpc::Status put(const TestClient& client, const std::string& key, const std::string& value,
                 int64_t lease = 0) {
  etcdserverpb::PutRequest request;
  request.set_key(key);
  request.set_value(value);
  request.set_lease(lease);
  etcdserverpb::PutResponse response;
  return client.kv()->Put(TestClient::context().get(), request, &response);
}

etcdserverpb::RangeResponse range(const TestClient& client,
                                  const etcdserverpb::RangeRequest& request) {
  etcdserverpb::RangeResponse response;
  REQUIRE(client.kv()->Range(TestClient::context().get(), request, &response).ok());
  return response;
}

}  // namespace

TEST_CASE("etcd: the registry's create and update transactions compare the mod revision") {
  Quiet quiet;
  using etcdserverpb::Compare;
  const std::string key = "/tidb-binlog/v1/drainers/d";
  CHECK_FALSE(commit(quiet.client, put_if_mod_revision(key, "a", Compare::GREATER)));
  CHECK(quiet.client.etcd_value(key).empty());
  CHECK(commit(quiet.client, put_if_mod_revision(key, "b", Compare::EQUAL)));
  CHECK_FALSE(commit(quiet.client, put_if_mod_revision(key, "c", Compare::EQUAL)));
  CHECK(quiet.client.etcd_value(key) == "b");
  CHECK(commit(quiet.client, put_if_mod_revision(key, "d", Compare::GREATER)));
  CHECK(quiet.client.etcd_value(key) == "d");
}

TEST_CASE("etcd: a transaction is refused as a whole, and all its writes share a revision") {
  Quiet quiet;
  etcdserverpb::TxnRequest request;
  for (const char* key : {"a", "b"}) {
    auto* one = request.add_success()->mutable_request_put();
    one->set_key(key);
    one->set_value("v");
  }
  REQUIRE(commit(quiet.client, request));
  etcdserverpb::RangeRequest all;
  all.set_key("a");
  all.set_range_end("c");
  const auto got = range(quiet.client, all);
  REQUIRE(got.kvs_size() == 2);
  CHECK(got.kvs(0).mod_revision() == got.kvs(1).mod_revision());
  request.mutable_success(0)->mutable_request_put()->set_value("w");
  request.mutable_success(1)->mutable_request_put()->set_lease(77);
  etcdserverpb::TxnResponse response;
  const auto status = quiet.client.kv()->Txn(TestClient::context().get(), request, &response);
  CHECK(status.error_code() == grpc::StatusCode::NOT_FOUND);
  CHECK(quiet.client.etcd_value("a") == "v");
}

TEST_CASE("etcd: ranges honour prefix, limit, order, count and revision filters") {
  Quiet quiet;
  for (const char* key : {"k/2", "k/1", "k/3", "l"}) REQUIRE(put(quiet.client, key, key).ok());
  etcdserverpb::RangeRequest request;
  request.set_key("k/");
  request.set_range_end("k0");
  auto got = range(quiet.client, request);
  REQUIRE(got.kvs_size() == 3);
  CHECK(got.kvs(0).key() == "k/1");
  CHECK(got.count() == 3);
  request.set_limit(2);
  request.set_sort_order(etcdserverpb::RangeRequest::DESCEND);
  request.set_sort_target(etcdserverpb::RangeRequest::MOD);
  request.set_keys_only(true);
  got = range(quiet.client, request);
  REQUIRE(got.kvs_size() == 2);
  CHECK(got.more());
  CHECK(got.count() == 3);
  CHECK(got.kvs(0).key() == "k/3");
  CHECK(got.kvs(1).key() == "k/1");
  CHECK(got.kvs(0).value().empty());
  request.set_count_only(true);
  CHECK(range(quiet.client, request).kvs_size() == 0);
}

TEST_CASE("etcd: deleting a range tells what was there") {
  Quiet quiet;
  REQUIRE(put(quiet.client, "k1", "v").ok());
  REQUIRE(put(quiet.client, "k2", "w").ok());
  etcdserverpb::DeleteRangeRequest request;
  request.set_key("k");
  request.set_range_end("l");
  request.set_prev_kv(true);
  etcdserverpb::DeleteRangeResponse response;
  REQUIRE(quiet.client.kv()->DeleteRange(TestClient::context().get(), request, &response).ok());
  CHECK(response.deleted() == 2);
  CHECK(response.prev_kvs(1).value() == "w");
  CHECK(quiet.client.etcd_value("k1").empty());
}

TEST_CASE("etcd: keys live as long as their lease is kept alive, and a watch sees them go") {
  Quiet quiet;
  const auto lease = quiet.client.lease();
  etcdserverpb::LeaseGrantRequest grant;
  grant.set_ttl(1);
  etcdserverpb::LeaseGrantResponse granted;
  REQUIRE(lease->LeaseGrant(TestClient::context().get(), grant, &granted).ok());
  CHECK(granted.id() != 0);
  CHECK(granted.ttl() == 1);
  REQUIRE(put(quiet.client, "leased", "v", granted.id()).ok());
  CHECK(put(quiet.client, "other", "v", 4711).error_code() == grpc::StatusCode::NOT_FOUND);

  const auto keep_context = TestClient::context();
  const auto keep = lease->LeaseKeepAlive(keep_context.get());
  etcdserverpb::LeaseKeepAliveRequest ping;
  ping.set_id(granted.id());
  etcdserverpb::LeaseKeepAliveResponse pong;
  REQUIRE(keep->Write(ping));
  REQUIRE(keep->Read(&pong));
  CHECK(pong.ttl() == 1);

  const auto watch_context = TestClient::context();
  const auto stub = quiet.client.watch();
  const auto watch = stub->Watch(watch_context.get());
  etcdserverpb::WatchRequest create;
  create.mutable_create_request()->set_key("leased");
  create.mutable_create_request()->set_prev_kv(true);
  REQUIRE(watch->Write(create));
  etcdserverpb::WatchResponse response;
  REQUIRE(watch->Read(&response));
  CHECK(response.created());
  REQUIRE(watch->Read(&response));  // nobody keeps it alive: the lease ends within its second
  REQUIRE(response.events_size() == 1);
  CHECK(response.events(0).type() == etcdserverpb::Event::DELETE);
  CHECK(response.events(0).prev_kv().value() == "v");
  CHECK(quiet.client.etcd_value("leased").empty());
  REQUIRE(keep->Write(ping));
  REQUIRE(keep->Read(&pong));
  CHECK(pong.ttl() == 0);
}

TEST_CASE("etcd: a watch tells past and new events of its range, until it is cancelled") {
  Quiet quiet;
  REQUIRE(put(quiet.client, "w/1", "a").ok());
  REQUIRE(put(quiet.client, "x", "a").ok());
  const auto stub = quiet.client.watch();
  const auto context = TestClient::context();
  const auto watch = stub->Watch(context.get());
  etcdserverpb::WatchRequest create;
  create.mutable_create_request()->set_key("w/");
  create.mutable_create_request()->set_range_end("w0");
  create.mutable_create_request()->set_start_revision(1);
  REQUIRE(watch->Write(create));
  etcdserverpb::WatchResponse response;
  REQUIRE(watch->Read(&response));
  REQUIRE(response.created());
  REQUIRE(watch->Read(&response));
  REQUIRE(response.events_size() == 1);
  CHECK(response.events(0).kv().key() == "w/1");
  CHECK(response.events(0).kv().version() == 1);
  REQUIRE(put(quiet.client, "w/1", "b").ok());
  REQUIRE(watch->Read(&response));
  REQUIRE(response.events_size() == 1);
  CHECK(response.events(0).kv().value() == "b");
  CHECK(response.events(0).kv().version() == 2);
  etcdserverpb::WatchRequest cancel;
  cancel.mutable_cancel_request()->set_watch_id(response.watch_id());
  REQUIRE(watch->Write(cancel));
  REQUIRE(watch->Read(&response));
  CHECK(response.canceled());
  watch->WritesDone();
  CHECK(watch->Finish().ok());
}

TEST_CASE("pd: names itself and gives strictly rising timestamps above the capture") {
  Quiet quiet;
  pdpb::GetMembersResponse members;
  REQUIRE(quiet.client.pd()->GetMembers(TestClient::context().get(), {}, &members).ok());
  CHECK(members.header().cluster_id() == SmallCapture::kClusterId);
  CHECK(members.leader().client_urls(0) == "http://" + quiet.client.sim().pd_address());

  const auto stub = quiet.client.pd();
  const auto context = TestClient::context();
  const auto stream = stub->Tso(context.get());
  uint64_t last = static_cast<uint64_t>(SmallCapture::kMetaTs);
  for (int i = 0; i < 100; ++i) {
    pdpb::TsoRequest request;
    *request.mutable_header() = quiet.client.header();
    request.set_count(10);
    REQUIRE(stream->Write(request));
    pdpb::TsoResponse response;
    REQUIRE(stream->Read(&response));
    CHECK(response.count() == 10);
    const auto ts = static_cast<uint64_t>(response.timestamp().physical() << 18) +
                    static_cast<uint64_t>(response.timestamp().logical());
    CHECK(ts >= last + 10);
    last = ts;
  }
  stream->WritesDone();
  CHECK(stream->Finish().ok());
}

TEST_CASE("pd: refuses another cluster's id, and any call as its faults say") {
  Quiet quiet;
  pdpb::GetStoreRequest request;
  request.mutable_header()->set_cluster_id(1);
  request.set_store_id(1);
  pdpb::GetStoreResponse response;
  const auto get_store = [&] {
    response.Clear();
    return quiet.client.pd()->GetStore(TestClient::context().get(), request, &response);
  };
  auto status = get_store();
  CHECK(status.error_code() == grpc::StatusCode::FAILED_PRECONDITION);
  CHECK(status.error_message() == "mismatch cluster id, need 12345 but got 1");
  *request.mutable_header() = quiet.client.header();
  REQUIRE(get_store().ok());
  CHECK(response.store().address() == quiet.client.sim().tikv_address());
  request.set_store_id(9);
  REQUIRE(get_store().ok());
  CHECK(response.header().error().message() == "invalid store ID 9, not found");

  REQUIRE(quiet.client.sim().apply_fault("pd not-leader 1").ok());
  CHECK(get_store().error_message() == "not leader");
  CHECK(get_store().ok());
  REQUIRE(quiet.client.sim().apply_fault("pd fail 2").ok());
  CHECK(get_store().error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(get_store().error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(get_store().ok());
  REQUIRE(quiet.client.sim().apply_fault("pd no-leader 1").ok());
  pdpb::GetMembersResponse members;
  REQUIRE(quiet.client.pd()->GetMembers(TestClient::context().get(), {}, &members).ok());
  CHECK_FALSE(members.has_leader());
}

TEST_CASE("pd: the smallest safe point rules until its pin is dropped") {
  Quiet quiet;
  const auto pin = [&](const char* service, int64_t ttl, uint64_t safe_point) {
    pdpb::UpdateServiceGCSafePointRequest request;
    *request.mutable_header() = quiet.client.header();
    request.set_service_id(service);
    request.set_ttl(ttl);
    request.set_safe_point(safe_point);
    pdpb::UpdateServiceGCSafePointResponse response;
    REQUIRE(quiet.client.pd()
                ->UpdateServiceGCSafePoint(TestClient::context().get(), request, &response)
                .ok());
    return response.min_safe_point();
  };
  CHECK(pin("a", 300, 100) == 100);
  CHECK(pin("b", 300, 50) == 100);  // refused without an error
  CHECK(pin("b", 300, 200) == 100);
  CHECK(pin("a", 0, 0) == 200);
}

TEST_CASE("http: PD's documents and the simulator's controls") {
  Quiet quiet;
  for (const char* path : {"/pd/api/v1/members", "/pd/api/v1/version", "/pd/api/v1/config",
                           "/pd/api/v1/stores", "/pd/api/v1/health", "/health", "/sim/state"}) {
    INFO(path);
    const auto [status, body] = quiet.client.http("GET", path);
    CHECK(status == 200);
    rapidjson::Document document;
    document.Parse(body.data(), body.size());
    CHECK_FALSE(document.HasParseError());
  }
  CHECK(quiet.client.http("GET", "/pd/api/v1/nonsense").first == 404);
  CHECK(quiet.client.http("PUT", "/sim/fault?pump-1%20cut%20every%205").first == 200);
  CHECK(quiet.client.sim().state_json().find("pump-1 cut every 5") != std::string::npos);
  CHECK(quiet.client.http("DELETE", "/sim/fault").first == 200);
  CHECK(quiet.client.sim().state_json().find("cut every") == std::string::npos);
  for (const char* bad : {"pump-9 cut at 1", "pump-1 explode 1", "tikv cut at 1", "pd kill soon",
                          "pump-1 cut every 0", "pd", "tikv kill 1s move"}) {
    INFO(bad);
    CHECK_FALSE(quiet.client.sim().apply_fault(bad).ok());
  }
  const auto pump = quiet.client.sim().pump_addresses()[0];
  const auto [status, body] = http_request(pump, "GET", "/status");
  CHECK(status == 200);
  CHECK(body.find(R"("nodeId":"pump-1")") != std::string::npos);
}
