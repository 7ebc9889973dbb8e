// Short runs on clusters that are all written to; long ones: pair_run, and [.campaign].

#include "tests/pair/campaign.h"

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::pair;

namespace {

void check_campaign(const CampaignOptions& options) {
  const CampaignResult result = run_campaign(options);
  INFO(result.to_string());
  CHECK(result.problems.empty());
  CHECK(result.transactions > 0);
  CHECK(result.applied ==
        result.transactions * static_cast<int64_t>(options.topology.clusters - 1));
}

}  // namespace

TEST_CASE("pair: with kills, cuts, DDL and conflicts each change travels once and all end equal") {
  check_campaign({.topology = make_pair(), .length = std::chrono::seconds(3)});
}

TEST_CASE("pair: a ring of three passes all on, once round") {
  check_campaign({.topology = make_ring(3), .length = std::chrono::seconds(3), .seed = 2});
}

TEST_CASE("pair: ten minutes each of a pair, a ring, a star and a mesh", "[.campaign]") {
  for (const Topology& topology : {make_pair(), make_ring(3), make_star(3), make_mesh(3)}) {
    check_campaign({.topology = topology, .length = std::chrono::minutes(10)});
  }
}
