#include "drainer/cluster/tikv.h"

#include "drainer/cluster/key_codec.h"
#include "tests/unit/cluster/kv_world.h"

#include <catch2/catch.hpp>

namespace drainer::cluster {
namespace {

using fakes::handler;
using fakes::kVersion;
using fakes::KvWorld;
using fakes::region_error;
using fakes::script;
using fakes::value_response;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tikvpb::GetResponse;

TEST_CASE("tikv: a get is the documented request") {
  KvWorld world;
  world.serve(1, {{"KvGet", script<GetResponse>({value_response("v")})}});
  const Bytes key = hash_field_key("DDLJobHistory", from_hex("000000000000002a"));
  CHECK(world.client->get(key, kVersion, {}).value() == "v");
  CHECK(to_hex(world.requests["KvGet"]) ==
        "0a0e080212040805103c1a0408031001122d6d44444c4a6f624869ff73746f7279000000fc0000000000000068"
        "000000000000002aff0000000000000000f71885808080a0b787e905");
}

TEST_CASE("tikv: an absent key and an empty value are both nothing") {
  KvWorld world;
  GetResponse absent;
  absent.set_not_found(true);
  world.serve(1, {{"KvGet", script<GetResponse>({absent, GetResponse()})}});
  CHECK(world.client->get("k", kVersion, {}).value() == std::nullopt);
  CHECK(world.client->get("k", kVersion, {}).value() == std::nullopt);
}

TEST_CASE("tikv: region and store are asked for once") {
  KvWorld world;
  world.serve(1, {{"KvGet", script<GetResponse>({value_response("v")})}});
  for (int i = 0; i < 3; ++i) REQUIRE(world.client->get("k", kVersion, {}).ok());
  CHECK(world.pd.regions_asked == 1);
  CHECK(world.pd.stores_asked == 1);
}

struct ErrorCase {
  std::string name;
  std::function<void(tikvpb::RegionError&)> fill;
  int regions_asked;  ///< of PD, in all
  int stores_asked;
  Duration pause_min;  ///< of the one pause; zero: none
  Duration pause_max;
};

const std::vector<ErrorCase> kErrorCases = {
    {"not leader, none elected", [](auto& e) { e.mutable_not_leader(); }, 2, 1, milliseconds(1),
     milliseconds(2)},
    {"region not found", [](auto& e) { e.mutable_region_not_found(); }, 2, 1, {}, {}},
    {"key not in region", [](auto& e) { e.mutable_key_not_in_region(); }, 2, 1, {}, {}},
    {"epoch not match, no list", [](auto& e) { e.mutable_epoch_not_match(); }, 2, 1, {}, {}},
    {"server is busy", [](auto& e) { e.mutable_server_is_busy(); }, 1, 1, seconds(1), seconds(2)},
    {"stale command", [](auto& e) { e.mutable_stale_command(); }, 1, 1, milliseconds(1),
     milliseconds(2)},
    {"store not match", [](auto& e) { e.mutable_store_not_match(); }, 2, 2, {}, {}},
    {"max timestamp not synced", [](auto& e) { e.mutable_max_timestamp_not_synced(); }, 1, 1,
     milliseconds(1), milliseconds(2)},
    {"read index not ready", [](auto& e) { e.mutable_read_index_not_ready(); }, 1, 1,
     milliseconds(1), milliseconds(2)},
    {"proposal in merging mode", [](auto& e) { e.mutable_proposal_in_merging_mode(); }, 1, 1,
     milliseconds(1), milliseconds(2)},
    {"data is not ready", [](auto& e) { e.mutable_data_is_not_ready(); }, 1, 1, milliseconds(1),
     milliseconds(2)},
    {"region not initialized", [](auto& e) { e.mutable_region_not_initialized(); }, 1, 1,
     milliseconds(1), milliseconds(2)},
    {"disk full", [](auto& e) { e.mutable_disk_full(); }, 1, 1, milliseconds(250),
     milliseconds(500)},
    {"recovery in progress", [](auto& e) { e.mutable_recovery_in_progress(); }, 2, 1,
     milliseconds(50), milliseconds(100)},
    {"is witness", [](auto& e) { e.mutable_is_witness(); }, 2, 1, milliseconds(500), seconds(1)},
    {"mismatch peer id", [](auto& e) { e.mutable_mismatch_peer_id(); }, 2, 1, {}, {}},
    {"bucket version not match",
     [](auto& e) { e.mutable_bucket_version_not_match(); },
     2,
     1,
     {},
     {}},
    {"an error of a later version", [](auto& e) { e.set_message("new"); }, 2, 1, milliseconds(1),
     milliseconds(2)},
};

TEST_CASE("tikv: each region error has its reaction, and the read goes on") {
  for (const ErrorCase& error : kErrorCases) {
    CAPTURE(error.name);
    KvWorld world;
    world.serve(1,
                {{"KvGet", script<GetResponse>({region_error(error.fill), value_response("v")})}});
    CHECK(world.client->get("k", kVersion, {}).value() == "v");
    CHECK(world.pd.regions_asked == error.regions_asked);
    CHECK(world.pd.stores_asked == error.stores_asked);
    CHECK(world.clock.slept().size() == (error.pause_max > Duration::zero() ? 1U : 0U));
    CHECK(world.slept() >= error.pause_min);
    CHECK(world.slept() <= error.pause_max);
  }
}

TEST_CASE("tikv: errors that no retry helps against fail at once") {
  const std::vector<std::function<void(tikvpb::RegionError&)>> fatal = {
      [](auto& e) { e.mutable_raft_entry_too_large(); },
      [](auto& e) { e.mutable_flashback_in_progress(); },
      [](auto& e) { e.mutable_flashback_not_prepared(); }};
  for (const auto& fill : fatal) {
    KvWorld world;
    world.serve(1, {{"KvGet", script<GetResponse>({region_error(fill)})}});
    CHECK_FALSE(world.client->get("k", kVersion, {}).ok());
    CHECK(world.net.calls().size() == 1);
  }
}

TEST_CASE("tikv: a read moves to the leader that is named, without asking PD or waiting") {
  KvWorld world;
  world.serve(1, {{"KvGet", script<GetResponse>({region_error([](auto& e) {
                     e.mutable_not_leader()->mutable_leader()->set_id(5);
                     e.mutable_not_leader()->mutable_leader()->set_store_id(3);
                   })})}});
  world.serve(3, {{"KvGet", script<GetResponse>({value_response("v")})}});
  CHECK(world.client->get("k", kVersion, {}).value() == "v");
  CHECK(world.client->get("k", kVersion, {}).value() == "v");
  CHECK(world.net.calls() == std::vector<std::string>{"s1:1 /tikvpb.Tikv/KvGet",
                                                      "s3:1 /tikvpb.Tikv/KvGet",
                                                      "s3:1 /tikvpb.Tikv/KvGet"});
  CHECK(world.pd.regions_asked == 1);
  CHECK(world.clock.slept().empty());
}

TEST_CASE("tikv: a leader that is no known peer means that the region is outdated") {
  KvWorld world;
  world.serve(
      1, {{"KvGet", script<GetResponse>({region_error([](auto& e) {
                                           e.mutable_not_leader()->mutable_leader()->set_id(99);
                                         }),
                                         value_response("v")})}});
  CHECK(world.client->get("k", kVersion, {}).value() == "v");
  CHECK(world.pd.regions_asked == 2);
}

TEST_CASE("tikv: two stores that name each other as leader do not keep us busy for ever") {
  KvWorld world;
  const auto pointing_to = [](uint64_t peer, uint64_t store) {
    return region_error([=](auto& e) {
      e.mutable_not_leader()->mutable_leader()->set_id(peer);
      e.mutable_not_leader()->mutable_leader()->set_store_id(store);
    });
  };
  world.serve(1, {{"KvGet", script<GetResponse>({pointing_to(4, 2)})}});
  world.serve(2, {{"KvGet", script<GetResponse>({pointing_to(3, 1)})}});
  const Error error = world.client->get("k", kVersion, {}).error();
  CHECK(error.to_string().find("mostly for: region miss") != std::string::npos);
  CHECK(world.slept() <= seconds(20));
}

TEST_CASE("tikv: after a split the read goes on in the listed region, without asking PD") {
  KvWorld world;
  world.serve(1, {{"KvGet", handler<tikvpb::GetRequest, GetResponse>([](const auto& request) {
                     if (request.context().region_id() == 7) return value_response("v");
                     return region_error([&](auto& e) {
                       for (const uint64_t id : {2, 7}) {
                         pdpb::Region& part = *e.mutable_epoch_not_match()->add_current_regions();
                         part.set_id(id);
                         append_memcomparable(
                             id == 2 ? *part.mutable_end_key() : *part.mutable_start_key(), "h");
                         part.mutable_region_epoch()->set_conf_ver(5);
                         part.mutable_region_epoch()->set_version(61);
                         for (const uint64_t store : {2, 1}) {
                           part.add_peers()->set_id(store + 2);
                           part.mutable_peers(part.peers_size() - 1)->set_store_id(store);
                         }
                       }
                     });
                   })}});
  CHECK(world.client->get("k", kVersion, {}).value() == "v");
  CHECK(world.pd.regions_asked == 1);
  CHECK(world.clock.slept().empty());
  tikvpb::GetRequest last;
  REQUIRE(last.ParseFromString(world.requests["KvGet"]));
  CHECK(last.context().region_epoch().version() == 61);
  CHECK(last.context().peer().store_id() == 1);  // The store that has just answered.
}

TEST_CASE("tikv: a store that is behind us in its epoch is waited for") {
  KvWorld world;
  world.serve(
      1, {{"KvGet", script<GetResponse>({region_error([](auto& e) {
                                           auto& old =
                                               *e.mutable_epoch_not_match()->add_current_regions();
                                           old.set_id(2);
                                           old.mutable_region_epoch()->set_conf_ver(5);
                                           old.mutable_region_epoch()->set_version(59);
                                         }),
                                         value_response("v")})}});
  CHECK(world.client->get("k", kVersion, {}).value() == "v");
  CHECK(world.pd.regions_asked == 1);
  CHECK(world.clock.slept().size() == 1);
}

TEST_CASE("tikv: a dead leader is replaced by another peer, then by what PD knows") {
  KvWorld world;
  world.serve(3, {{"KvGet", script<GetResponse>({value_response("v")})}});
  CHECK(world.client->get("k", kVersion, {}).value() == "v");
  CHECK(world.net.calls() == std::vector<std::string>{"s1:1 /tikvpb.Tikv/KvGet",
                                                      "s2:1 /tikvpb.Tikv/KvGet",
                                                      "s3:1 /tikvpb.Tikv/KvGet"});
  CHECK(world.pd.regions_asked == 1);
}

TEST_CASE("tikv: a store that came back elsewhere is found again") {
  KvWorld world;
  world.serve(1, {{"KvGet", script<GetResponse>({value_response("v")})}});
  REQUIRE(world.client->get("k", kVersion, {}).ok());
  world.net.kill("s1:1");
  world.pd.stores[1].address = "new:1";
  world.net.serve("new:1", script<GetResponse>({value_response("w")}));
  CHECK(world.client->get("k", kVersion, {}).value() == "w");
}

TEST_CASE("tikv: a read of a dead cluster ends within its 20 seconds, naming address and cause") {
  KvWorld world;
  const Error error = world.client->get("k", kVersion, {}).error();
  CHECK(error.to_string().find("mostly for: store unreachable: TiKV at s") != std::string::npos);
  CHECK(error.to_string().ends_with("does not answer: connection refused"));
  CHECK(world.slept() <= seconds(20));
  CHECK(world.slept() >= seconds(17));
}

TEST_CASE("tikv: learners are not read, and stores that are gone are asked for again") {
  KvWorld world;
  world.pd.regions[0].leader = {};
  world.pd.regions[0].peers[0].role = 1;
  world.pd.stores[2].is_gone = true;
  world.serve(3, {{"KvGet", script<GetResponse>({value_response("v")})}});
  world.clock.on_sleep([&] { world.pd.regions[0].leader = world.pd.regions[0].peers[2]; });
  CHECK(world.client->get("k", kVersion, {}).value() == "v");
  CHECK(world.net.calls().size() == 1);
}

TEST_CASE("tikv: a key error that is no lock fails the read") {
  KvWorld world;
  GetResponse response;
  response.mutable_error()->set_abort("broken");
  world.serve(1, {{"KvGet", script<GetResponse>({response})}});
  CHECK(world.client->get("k", kVersion, {}).error().to_string() ==
        "TiKV refuses to read: abort: \"broken\"");
}

TEST_CASE("tikv: a stop ends a read that waits") {
  KvWorld world;
  StopSource stop;
  world.clock.on_sleep([&] { stop.request_stop(); });
  CHECK(world.client->get("k", kVersion, stop.get_token()).error().code() == ErrorCode::kStopped);
}

}  // namespace
}  // namespace drainer::cluster
