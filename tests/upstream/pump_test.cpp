// Pumps as a stock gRPC client meets them.

#include "tests/upstream/test_client.h"

#include <algorithm>
#include <set>

#include <catch2/catch.hpp>

#include "tests/fakes/process_stats.h"
#include "tests/fakes/wait_until.h"

using namespace drainer;
using namespace drainer::upstream;

namespace {

constexpr int64_t kFrom = SmallCapture::kFromTs;
// Long enough for a pump to send all it has, if nothing keeps it.
constexpr auto kMoment = std::chrono::milliseconds(300);

SimOptions with_faults(std::vector<std::string> faults) {
  return {.faults = std::move(faults), .fake_interval = std::chrono::milliseconds(20)};
}

std::vector<int64_t> commit_ts_of(const TestClient::Pull& pull) {
  std::vector<int64_t> out;
  for (const auto& record : pull.records) out.push_back(record.commit_ts);
  return out;
}

/// Pulls again and again, as a drainer does, until `count` records are there.
std::vector<int64_t> pull_through(const TestClient& client, size_t pump, size_t count,
                                  size_t& pulls) {
  std::vector<int64_t> out;
  int64_t offset = kFrom;
  for (pulls = 0; out.size() < count && pulls < 100; ++pulls) {
    for (const int64_t ts : commit_ts_of(client.pull(pump, offset, count - out.size()))) {
      out.push_back(ts);
      offset = ts;
    }
  }
  return out;
}

}  // namespace

TEST_CASE("pump: sends all after the offset in order, then fakes with fresh timestamps") {
  SmallCapture capture;
  capture.add_transactions(10);
  TestClient client(capture.write(), with_faults({}));
  const auto pull = client.pull(0, kFrom, 8);
  REQUIRE(pull.records.size() == 8);
  for (size_t i = 0; i < 5; ++i) {
    const auto& record = pull.records[i];
    CHECK(record.commit_ts == SmallCapture::ts(static_cast<int64_t>(2 * i + 1)) + 3);
    CHECK(record.start_ts == record.commit_ts - 3);
    const auto parsed = parse_record(record.payload);
    REQUIRE(parsed.ok());
    CHECK(parsed->commit_ts == record.commit_ts);
  }
  CHECK(pull.records[5].commit_ts == SmallCapture::kMetaTs + 5);  // the recorded fake
  CHECK(pull.records[6].is_fake());
  CHECK(pull.records[6].commit_ts > SmallCapture::kMetaTs + 5);
  CHECK(pull.records[7].commit_ts > pull.records[6].commit_ts);
}

TEST_CASE("pump: the offset is exclusive") {
  SmallCapture capture;
  capture.add_transactions(10);
  TestClient client(capture.write(), with_faults({}));
  const int64_t third = SmallCapture::ts(5) + 3;
  CHECK(commit_ts_of(client.pull(0, third, 1)) == std::vector<int64_t>{SmallCapture::ts(7) + 3});
  CHECK(commit_ts_of(client.pull(0, third - 1, 1)) == std::vector<int64_t>{third});
}

TEST_CASE("pump: another cluster's drainer is refused in the pump's words") {
  SmallCapture capture;
  capture.add_transactions(2);
  TestClient client(capture.write(), with_faults({}));
  const auto pull = client.pull(0, kFrom, 1, 99);
  CHECK(pull.status.error_code() == grpc::StatusCode::UNKNOWN);
  CHECK(pull.status.error_message() == "cluster ID are mismatch, 99 vs 12345");
}

TEST_CASE("pump: a response has the bytes of a Go pump") {
  SmallCapture capture;
  capture.add({.start_ts = kFrom + 1, .commit_ts = kFrom + 2});
  TestClient client(capture.write(), with_faults({}));
  const auto stub = client.pump(0);
  const auto call = TestClient::context();
  binlog::PullBinlogReq request;
  request.set_clusterid(SmallCapture::kClusterId);
  request.mutable_startfrom()->set_offset(kFrom);
  const auto stream = stub->PullBinlogs(call.get(), request);
  binlog::PullBinlogResp response;
  REQUIRE(stream->Read(&response));
  CHECK(response.entity().has_pos());
  CHECK(response.entity().pos().ByteSizeLong() == 0);
  CHECK(!response.entity().has_checksum());
  CHECK(response.entity().payload() ==
        make_binlog({.start_ts = kFrom + 1, .commit_ts = kFrom + 2}));
  CHECK(response.entity().meta().startts() == kFrom + 1);
  call->TryCancel();
}

TEST_CASE("pump: transactions are dealt by start ts when the number of pumps is another") {
  SmallCapture capture;
  capture.add_transactions(30);
  SimOptions options = with_faults({});
  options.feed.pumps = 3;
  TestClient client(capture.write(), options);
  REQUIRE(client.sim().pump_addresses().size() == 3);
  std::set<int64_t> seen;
  for (size_t pump = 0; pump < 3; ++pump) {
    int64_t last = kFrom;
    // Each pump ends its share with the recorded fakes.
    for (const auto& record : client.pull(pump, kFrom, 11).records) {
      CHECK(record.commit_ts > last);
      last = record.commit_ts;
      if (record.is_fake()) continue;
      CHECK(static_cast<size_t>(record.start_ts) % 3 == pump);
      CHECK(seen.insert(record.commit_ts).second);
    }
    CHECK(last >= SmallCapture::kMetaTs);
  }
  CHECK(seen.size() == 30);
}

TEST_CASE("pump fault: `cut every` loses nothing to a client that goes on after its last record") {
  SmallCapture capture;
  capture.add_transactions(60);
  TestClient client(capture.write(), with_faults({"pump-1 cut every 7"}));
  size_t pulls = 0;
  const auto records = pull_through(client, 0, 30, pulls);
  REQUIRE(records.size() == 30);
  for (size_t i = 0; i < 30; ++i) {
    CHECK(records[i] == SmallCapture::ts(static_cast<int64_t>(2 * i + 1)) + 3);
  }
  CHECK(pulls >= 5);  // more if the client threw away what it had not read when it was cut
}

TEST_CASE("pump fault: `at` strikes once, at that record") {
  struct Case {
    std::string fault;
    grpc::StatusCode status;
  };
  const auto expected = GENERATE(Case{"pump-1 cut at 4", grpc::StatusCode::UNAVAILABLE},
                                 Case{"pump-1 end at 4", grpc::StatusCode::OK},
                                 Case{"pumps error at 4", grpc::StatusCode::UNAVAILABLE});
  SmallCapture capture;
  capture.add_transactions(20);
  TestClient client(capture.write(), with_faults({expected.fault}));
  const auto first = client.pull(0, kFrom, 10);
  CHECK(first.records.size() <= 3);
  CHECK(first.status.error_code() == expected.status);
  CHECK(client.pull(0, kFrom, 10).records.size() == 10);
}

TEST_CASE("pump fault: a corrupt record is no Binlog message") {
  SmallCapture capture;
  capture.add_transactions(20);
  TestClient client(capture.write(), with_faults({"pump-1 corrupt at 2"}));
  const auto pull = client.pull(0, kFrom, 3);
  REQUIRE(pull.records.size() == 3);
  CHECK(parse_record(pull.records[0].payload).ok());
  CHECK(!parse_record(pull.records[1].payload).ok());
  CHECK(parse_record(pull.records[2].payload).ok());
}

TEST_CASE("pump fault: a stalled pump sends nothing until its time is over") {
  SmallCapture capture;
  capture.add_transactions(20);
  TestClient client(capture.write(), with_faults({"pump-1 stall forever"}));
  CHECK(client.pull(1, kFrom, 1).records.size() == 1);  // the other one is not held up
  CHECK(client.pull_for(0, kFrom, kMoment).records.empty());
  REQUIRE(client.sim().apply_fault("pump-1 stall 1ms").ok());
  CHECK(client.pull(0, kFrom, 1).records.size() == 1);
}

TEST_CASE("pump fault: a slow pump keeps to its rate") {
  SmallCapture capture;
  capture.add_transactions(20);
  TestClient client(capture.write(), with_faults({"pump-1 slow 1"}));
  // The second one comes a second later.
  const auto sent = client.pull_for(0, kFrom, kMoment).records;
  CHECK(std::ranges::count_if(sent, [](const auto& record) { return !record.is_fake(); }) <= 1);
  REQUIRE(client.sim().apply_fault("pump-1 slow 1000").ok());
  CHECK(client.pull(0, kFrom, 6).records.size() == 6);
}

TEST_CASE("pump fault: a killed pump refuses, stays online in the registry, and comes back") {
  const bool moves = GENERATE(false, true);
  SmallCapture capture;
  capture.add_transactions(4);
  TestClient client(capture.write(), with_faults({"pump-2 slow 1"}));
  const std::string address = client.sim().pump_addresses()[1];
  const auto stub = client.pump(1);
  const auto call = TestClient::context();
  binlog::PullBinlogReq request;
  request.set_clusterid(SmallCapture::kClusterId);
  request.mutable_startfrom()->set_offset(kFrom);
  const auto stream = stub->PullBinlogs(call.get(), request);
  binlog::PullBinlogResp response;
  REQUIRE(stream->Read(&response));
  REQUIRE(client.sim().apply_fault(moves ? "pump-2 kill 300ms move" : "pump-2 kill 300ms").ok());
  // The stream ends when the connection is cut; by then the port refuses.
  CHECK(!stream->Read(&response));
  CHECK(stream->Finish().error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(!connects(address));
  const std::string value = client.etcd_value("/tidb-binlog/v1/pumps/pump-2");
  CHECK(value.find(R"("state":"online")") != std::string::npos);
  // It tells the registry when it is back: its updateTS changes.
  std::string now = value;
  REQUIRE(fakes::wait_until([&] {
    now = client.etcd_value("/tidb-binlog/v1/pumps/pump-2");
    return now != value;
  }));
  const std::string back = client.sim().pump_addresses()[1];
  CHECK((back != address) == moves);
  CHECK(now.find(fmt::format(R"("host":"{}")", back)) != std::string::npos);
  CHECK(connects(back));
  CHECK(client.pull(1, kFrom, 1).records.size() == 1);
}

TEST_CASE("pump fault: a pausing pump ends its streams in order and says so") {
  SmallCapture capture;
  capture.add_transactions(4);
  TestClient client(capture.write(), with_faults({"pump-1 slow 1"}));
  const auto stub = client.pump(0);
  const auto call = TestClient::context();
  binlog::PullBinlogReq request;
  request.set_clusterid(SmallCapture::kClusterId);
  request.mutable_startfrom()->set_offset(kFrom);
  const auto stream = stub->PullBinlogs(call.get(), request);
  binlog::PullBinlogResp response;
  REQUIRE(stream->Read(&response));
  REQUIRE(client.sim().apply_fault("pump-1 pause 400ms").ok());
  CHECK(!stream->Read(&response));
  CHECK(stream->Finish().ok());
  const auto state = [&] { return client.etcd_value("/tidb-binlog/v1/pumps/pump-1"); };
  CHECK(state().find(R"("state":"paused")") != std::string::npos);
  REQUIRE(
      fakes::wait_until([&] { return state().find(R"("state":"paused")") == std::string::npos; }));
  CHECK(state().find(R"("state":"online")") != std::string::npos);
  CHECK(client.pull(0, kFrom, 1).records.size() == 1);
}

TEST_CASE("restart: the lot comes back on the same ports with the state it had") {
  SmallCapture capture;
  capture.add_transactions(4);
  TestClient client(capture.write(), with_faults({}));
  etcdserverpb::PutRequest put;
  put.set_key("/tidb-binlog/v1/drainers/d");
  put.set_value("v");
  etcdserverpb::PutResponse ignored;
  REQUIRE(client.kv()->Put(TestClient::context().get(), put, &ignored).ok());
  const uint64_t before = client.tso();
  const auto pumps = client.sim().pump_addresses();
  const auto call = TestClient::context();
  const auto stub = client.pd();
  const auto stream = stub->Tso(call.get());
  REQUIRE(client.sim().apply_fault("all restart 200ms").ok());
  CHECK(stream->Finish().error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(!connects(client.sim().pd_address()));
  REQUIRE(fakes::wait_until([&] { return connects(client.sim().pd_address()); }));
  CHECK(client.etcd_value("/tidb-binlog/v1/drainers/d") == "v");
  CHECK(client.tso() > before);
  CHECK(client.sim().pump_addresses() == pumps);
}

TEST_CASE("pump: serves many megabytes a second", "[.throughput]") {
  SmallCapture capture;
  constexpr int64_t kRecords = 200000;
  const size_t size = GENERATE(1000U, 1600U, 100000U);
  const auto records = std::min<int64_t>(kRecords, 400'000'000 / static_cast<int64_t>(size));
  for (int64_t i = 0; i < records; ++i) {
    Bytes value;
    value.resize(size, 'x');
    capture.add({.pump = static_cast<size_t>(i % 2),
                 .start_ts = kFrom + 1 + 2 * i,
                 .commit_ts = kFrom + 2 + 2 * i,
                 .prewrite_value = std::move(value)});
  }
  TestClient client(capture.write(), with_faults({}));
  const auto stub = client.pump(0);
  const auto call = TestClient::context();
  binlog::PullBinlogReq request;
  request.set_clusterid(SmallCapture::kClusterId);
  request.mutable_startfrom()->set_offset(kFrom);
  const auto start = std::chrono::steady_clock::now();
  const double cpu_start = fakes::own_cpu_seconds();
  const auto stream = stub->PullBinlogs(call.get(), request);
  binlog::PullBinlogResp response;
  int64_t bytes = 0;
  for (int64_t i = 0; i < records / 2; ++i) {
    REQUIRE(stream->Read(&response));
    bytes += static_cast<int64_t>(response.entity().payload().size());
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const double cpu = fakes::own_cpu_seconds() - cpu_start;
  WARN(fmt::format(
      "{} byte records: {:.0f} MB/s, CPU of client and server {:.1f} us/record, "
      "{:.0f} MB per CPU second",
      size, static_cast<double>(bytes) / 1e6 / took.count(),
      cpu * 1e6 / static_cast<double>(records / 2), static_cast<double>(bytes) / 1e6 / cpu));
  call->TryCancel();
}
