#include "drainer/cluster/key_codec.h"
#include "tests/unit/cluster/kv_world.h"

#include <catch2/catch.hpp>

namespace drainer::cluster {
namespace {

using fakes::handler;
using fakes::kVersion;
using fakes::KvWorld;
using fakes::script;
using tikvpb::ScanRequest;
using tikvpb::ScanResponse;

using Pairs = std::vector<std::pair<std::string, std::string>>;

Result<void> scan_into(Pairs& pairs, KvWorld& world, std::string_view start, std::string_view end) {
  return world.client->scan(start, end, kVersion,
                            [&](ByteView key, ByteView value) -> Result<void> {
                              pairs.emplace_back(key, value);
                              return {};
                            },
                            {});
}

/// A server that holds `data` and honours start, end and limit; old ones ignore the end.
enum class EndKey { kHonoured, kIgnored };
fakes::FakeNet::Server store_of(Pairs data, EndKey end_key) {
  return handler<ScanRequest, ScanResponse>([=](const ScanRequest& request) {
    ScanResponse response;
    for (const auto& [key, value] : data) {
      if (key < request.start_key()) continue;
      const bool is_beyond = !request.end_key().empty() && key >= request.end_key();
      if (is_beyond && end_key == EndKey::kHonoured) break;
      if (static_cast<uint32_t>(response.pairs_size()) == request.limit()) break;
      tikvpb::KvPair& pair = *response.add_pairs();
      pair.set_key(key);
      pair.set_value(value);
    }
    return response;
  });
}

Pairs numbered(int count) {
  Pairs pairs;
  for (int i = 0; i < count; ++i)
    pairs.emplace_back(fmt::format("k{:03}", i), fmt::format("v{}", i));
  return pairs;
}

TEST_CASE("scan: the request is the documented one") {
  KvWorld world;
  world.serve(1, {{"KvScan", script<ScanResponse>({ScanResponse()})}});
  Pairs pairs;
  const Bytes start = meta_key("DBs", MetaFlag::kHash);
  REQUIRE(scan_into(pairs, world, start, prefix_end(start)).ok());
  CHECK(to_hex(world.requests["KvScan"]) ==
        "0a0e080212040805103c1a040803100112126d4442730000000000fa00000000000000681880022085808080a0"
        "b787e9053a126d4442730000000000fa0000000000000069");
}

TEST_CASE("scan: all pairs come in order, whatever the page size and the number of pairs") {
  for (const EndKey end_key : {EndKey::kHonoured, EndKey::kIgnored}) {
    for (const uint32_t page : {1U, 2U, 3U, 7U, 10U, 256U}) {
      for (const int count : {0, 1, 2, 3, 9, 10, 11}) {
        CAPTURE(page, count);
        KvWorld world(page);
        Pairs stored = numbered(count);
        stored.emplace_back("x", "beyond the end");
        world.serve(1, {{"KvScan", store_of(stored, end_key)}});
        Pairs pairs;
        REQUIRE(scan_into(pairs, world, "k", "l").ok());
        CHECK(pairs == numbered(count));
      }
    }
  }
}

TEST_CASE("scan: crosses regions on several stores, also empty ones, and stops at the end") {
  for (const uint32_t page : {1U, 3U, 256U}) {
    KvWorld world(page);
    const std::vector<std::string> bounds = {"", "k003", "k004", "k0041", "k009", ""};
    world.pd.regions.clear();
    for (size_t i = 0; i + 1 < bounds.size(); ++i) {
      world.pd.regions.push_back(KvWorld::region(i + 10, bounds[i], bounds[i + 1]));
      world.pd.regions.back().leader = world.pd.regions.back().peers[i % 3];
    }
    for (uint64_t store = 1; store <= 3; ++store) {
      world.serve(store, {{"KvScan", store_of(numbered(20), EndKey::kHonoured)}});
    }
    Pairs pairs;
    REQUIRE(scan_into(pairs, world, "k001", "k015").ok());
    Pairs expected = numbered(15);
    expected.erase(expected.begin());
    CHECK(pairs == expected);

    pairs.clear();
    REQUIRE(scan_into(pairs, world, "", "").ok());  // Everything.
    CHECK(pairs == numbered(20));
  }
}

TEST_CASE("scan: a region error in the middle repeats the page, nothing is lost or doubled") {
  KvWorld world(2);
  int asked = 0;
  const auto good = store_of(numbered(7), EndKey::kHonoured);
  world.serve(1, {{"KvScan", [&](std::string_view method, ByteView request) -> Result<Bytes> {
                     if (++asked % 2 == 1) return good(method, request);
                     ScanResponse response;
                     response.mutable_region_error()->mutable_region_not_found();
                     return response.SerializeAsString();
                   }}});
  Pairs pairs;
  REQUIRE(scan_into(pairs, world, "k", "l").ok());
  CHECK(pairs == numbered(7));
}

tikvpb::KvPair locked(const std::string& key) {
  tikvpb::KvPair pair;  // The key stands in the lock only.
  pair.mutable_error()->mutable_locked()->set_key(key);
  pair.mutable_error()->mutable_locked()->set_primary_lock(key);
  pair.mutable_error()->mutable_locked()->set_lock_version(5);
  return pair;
}

TEST_CASE("scan: locked pairs are read singly, absent ones skipped, at a page's end too") {
  KvWorld world(3);
  const auto get = handler<tikvpb::GetRequest, tikvpb::GetResponse>([](const auto& request) {
    return request.key() == "b" ? fakes::value_response("B") : tikvpb::GetResponse();
  });
  const auto scan = handler<ScanRequest, ScanResponse>([](const ScanRequest& request) {
    ScanResponse response;
    if (request.start_key() == "a") {
      response.add_pairs()->set_key("a");
      response.mutable_pairs(0)->set_value("A");
      *response.add_pairs() = locked("b");
      *response.add_pairs() = locked("c");
    } else if (request.start_key() == std::string("c\0", 2)) {
      response.add_pairs()->set_key("d");
      response.mutable_pairs(0)->set_value("D");
    }
    return response;
  });
  world.serve(1, {{"KvScan", scan}, {"KvGet", get}});
  Pairs pairs;
  REQUIRE(scan_into(pairs, world, "a", "z").ok());
  CHECK(pairs == Pairs{{"a", "A"}, {"b", "B"}, {"d", "D"}});
}

TEST_CASE("scan: a lock on the whole page is resolved, its pairs are discarded") {
  KvWorld world;
  ScanResponse blocked;
  blocked.add_pairs()->set_key("a");
  blocked.mutable_pairs(0)->set_value("to be discarded");
  *blocked.mutable_error() = locked("b").error();
  ScanResponse good;
  good.add_pairs()->set_key("a");
  good.mutable_pairs(0)->set_value("A");
  world.serve(1, {{"KvScan", script<ScanResponse>({blocked, good})},
                  {"KvCheckTxnStatus", script<tikvpb::CheckTxnStatusResponse>({{}})}});
  Pairs pairs;
  REQUIRE(scan_into(pairs, world, "a", "z").ok());
  CHECK(pairs == Pairs{{"a", "A"}});
}

TEST_CASE("scan: the caller's error ends it") {
  KvWorld world(2);
  world.serve(1, {{"KvScan", store_of(numbered(9), EndKey::kHonoured)}});
  int seen = 0;
  const Result<void> done = world.client->scan("k", "l", kVersion,
                                               [&](ByteView, ByteView) -> Result<void> {
                                                 if (++seen == 3)
                                                   return Error(ErrorCode::kCorrupt, "enough");
                                                 return {};
                                               },
                                               {});
  CHECK(done.error().text() == "enough");
  CHECK(seen == 3);
}

}  // namespace
}  // namespace drainer::cluster
