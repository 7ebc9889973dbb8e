// The whole reading side against the upstream simulator (stock gRPC, a recorded catalogue, faults).
// Needs the captures: DRAINER_CAPTURES, by default ../shared/captures.

#include "tests/upstream/simulator.h"
#include "drainer/cluster/meta.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>

namespace drainer::cluster {
namespace {

namespace fs = std::filesystem;

std::string capture_folder() {
  const char* folder = std::getenv("DRAINER_CAPTURES");
  const fs::path root =
      folder != nullptr ? fs::path(folder) : fs::path(DRAINER_SOURCE_DIR) / "../shared/captures";
  for (const fs::path& path : {root / "ddl", fs::path("/work/shared/captures/ddl")}) {
    if (fs::is_directory(path)) return path.string();
  }
  return {};
}

/// The simulator with its catalogue in several regions, and clients of it.
struct SimulatedUpstream {
  explicit SimulatedUpstream(const std::string& capture) {
    upstream::SimOptions options;
    options.capture = capture;
    options.regions = 5;
    simulator = upstream::Simulator::open(options, clock).value();
    PdOptions pd_options;
    pd_options.urls = {"http://" + simulator->pd_address()};
    pd = PdClient::open(pd_options, clock, {}).value();
    etcd = EtcdClient::create({.endpoints = [this] { return pd->member_urls(); }}, clock);
    kv = KvClient::create(*pd, nullptr, clock);
  }

  /// All that the catalogue says, as text to be compared.
  Result<std::string> read_all() {
    Meta meta(*pd, *kv, clock, etcd.get());
    std::string text;
    DdlJobId last;
    std::vector<DdlJobId> ids;
    TRY(meta.scan_history(
        [&](DdlJobId id, ByteView json) -> Result<void> {
          CHECK(last < id);
          last = id;
          ids.push_back(id);
          text += fmt::format("{} {}\n", id, json);
          return {};
        },
        {}));
    ASSIGN_OR_RETURN(const std::vector<DdlJobId> listed, meta.history_ids({}));
    CHECK(listed == ids);
    const DdlJobId middle = ids.at(ids.size() / 2);
    std::vector<DdlJobId> upper;
    TRY(meta.scan_history(middle, last,
                          [&](DdlJobId id, ByteView) -> Result<void> {
                            upper.push_back(id);
                            return {};
                          },
                          {}));
    CHECK(upper == std::vector<DdlJobId>(ids.begin() + static_cast<std::ptrdiff_t>(ids.size() / 2),
                                         ids.end()));
    ASSIGN_OR_RETURN(const auto job, meta.wait_for_job(last, {}));
    CHECK(job->id == last);
    ASSIGN_OR_RETURN(const CommitTs now, pd->tso({}));
    ASSIGN_OR_RETURN(const SchemaSnapshot snapshot, meta.snapshot(now, {}));
    for (const auto& database : snapshot.databases) {
      text += database.info.name + "\n";
      for (const auto& table : database.tables) {
        text += fmt::format("  {} {} {}\n", table->id, table->name, table->columns.size());
      }
    }
    return text;
  }

  SystemClock clock;
  std::unique_ptr<upstream::Simulator> simulator;
  std::unique_ptr<PdClient> pd;
  std::unique_ptr<EtcdClient> etcd;
  std::unique_ptr<KvClient> kv;
};

const std::vector<std::string> kFaults = {
    "pd not-leader 3",
    "pd no-leader 2",
    "pd no-region 1",
    "pd tso-end 2",
    "pd fail 3",
    "pd restart 300ms",
    "tikv not-leader 3",
    "tikv new-leader 3",
    "tikv region-not-found 3",
    "tikv key-not-in-region 3",
    "tikv epoch-not-match 3",
    "tikv stale-command 3",
    "tikv store-not-match 3",
    "tikv merging 3",
    "tikv unknown-error 3",
    "tikv fail 2",
    "tikv restart 300ms",
    "tikv split",
    "tikv lock-dead 3",
    "tikv lock-committed 3",
    "tikv lock-async 3",
    "tikv lock-alive 1",
};

TEST_CASE("simulator: whatever happens meanwhile, the catalogue is read whole") {
  const std::string capture = capture_folder();
  if (capture.empty()) {
    WARN("skipped: no captures; set DRAINER_CAPTURES");
    return;
  }
  SimulatedUpstream upstream(capture);
  const Result<std::string> undisturbed = upstream.read_all();
  REQUIRE(undisturbed.ok());
  REQUIRE(undisturbed->size() > 100'000);
  for (const std::string& fault : kFaults) {
    CAPTURE(fault);
    REQUIRE(upstream.simulator->apply_fault(fault).ok());
    const Result<std::string> disturbed = upstream.read_all();
    INFO((disturbed.ok() ? "" : disturbed.error().to_string()));
    REQUIRE(disturbed.ok());
    CHECK((*disturbed == *undisturbed));
  }
}

}  // namespace
}  // namespace drainer::cluster
