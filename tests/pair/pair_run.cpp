// pair_run: a campaign on clusters that are all written to. See kHelp.

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "tests/pair/campaign.h"

namespace {

using namespace drainer;
using namespace drainer::pair;

constexpr const char* kHelp = R"(pair_run: clusters of MariaDB servers with drainers between them.

  --shape pair|ring|star|mesh   how they replicate (default pair); but for the pair, three clusters
  --clusters N                  … or N
  --seconds N                   how long users write (default 600)
  --seed N                      of the random choices (default 1)
  --no-kills --no-cuts --no-ddl --no-overlaps
                                leaves out: kill -9 of drainers, cut connections, new columns,
                                rows that all clusters write (policy newest)
  --foreign PROGRAM --foreign-link N
                                another program for one link, such as the original drainer;
                                implies --no-overlaps, and is stopped in order, not killed

Prints one line of figures and what is wrong; ends with 0 when nothing is.
)";

}  // namespace

int main(int argc, char** argv) {
  CampaignOptions options;
  options.length = std::chrono::seconds(600);
  std::string shape = "pair";
  size_t clusters = 0;
  const std::map<std::string, bool*> switches = {{"--no-kills", &options.kills},
                                                 {"--no-cuts", &options.cuts},
                                                 {"--no-ddl", &options.ddl},
                                                 {"--no-overlaps", &options.overlaps}};
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    if (const auto found = switches.find(name); found != switches.end()) {
      *found->second = false;
      continue;
    }
    if (name == "--shape") {
      shape = value;
    } else if (name == "--clusters") {
      clusters = std::strtoull(value.c_str(), nullptr, 10);
    } else if (name == "--seconds") {
      options.length = std::chrono::seconds(std::strtoll(value.c_str(), nullptr, 10));
    } else if (name == "--foreign") {
      options.foreign_drainer = value;
      options.overlaps = false;
    } else if (name == "--foreign-link") {
      options.foreign_link = std::strtoull(value.c_str(), nullptr, 10);
    } else if (name == "--seed") {
      options.seed = static_cast<uint32_t>(std::strtoul(value.c_str(), nullptr, 10));
    } else {
      std::fputs(kHelp, name == "--help" ? stdout : stderr);
      return name == "--help" ? 0 : 2;
    }
    ++i;
  }
  if (clusters < 2) clusters = 3;
  const std::map<std::string, Topology> shapes = {{"pair", make_pair()},
                                                  {"ring", make_ring(clusters)},
                                                  {"star", make_star(clusters)},
                                                  {"mesh", make_mesh(clusters)}};
  const auto found = shapes.find(shape);
  if (found == shapes.end()) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  options.topology = found->second;
  if (options.foreign_link >= options.topology.links.size()) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  const CampaignResult result = run_campaign(options);
  fmt::print("{}\n", result.to_string());
  return result.problems.empty() ? 0 : 1;
}
