// The history of spec/schema-and-ddl.md 6: every important job once. tests/golden/ddl_jobs.jsonl
// holds the specification's documents, one per line.

#include <algorithm>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "drainer/schema/history.h"
#include "drainer/schema/schema.h"

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::schema;

namespace {

using Lines = std::vector<std::string>;
using Names = std::vector<TableName>;
constexpr auto kExecute = DdlEffect::Action::kExecute;
constexpr auto kIgnore = DdlEffect::Action::kIgnore;

struct Step {
  int64_t job_id;
  DdlEffect::Action action;
  TableName name;
  std::string use_schema;
  Names touched;
  // All live tables afterwards: "id schema.table@since[<previous since]".
  Lines tables;
};

const std::vector<Step>& steps() {
  static const std::vector<Step> all = {
      {103, kExecute, {"shop", ""}, "shop", {{"shop", ""}}, {}},
      {105, kExecute, {"shop", "orders"}, "shop", {{"shop", "orders"}}, {"104 shop.orders@51"}},
      {107,
       kExecute,
       {"shop", "t"},
       "shop",
       {{"shop", "t"}},
       {"104 shop.orders@51", "106 shop.t@52"}},
      {108,
       kExecute,
       {"shop", "t"},
       "shop",
       {{"shop", "t"}},
       {"104 shop.orders@51", "106 shop.t@56<52"}},
      {109,
       kExecute,
       {"shop", "t"},
       "shop",
       {{"shop", "t"}},
       {"104 shop.orders@51", "106 shop.t@60<56"}},
      {110,
       kExecute,
       {"shop", "t"},
       "shop",
       {{"shop", "t"}},
       {"104 shop.orders@51", "106 shop.t@64<60"}},
      {111,
       kExecute,
       {"shop", "t"},
       "shop",
       {{"shop", "t"}},
       {"104 shop.orders@51", "106 shop.t@68<64"}},
      {114,
       kExecute,
       {"shop", "t"},
       "shop",
       {{"shop", "t"}},
       {"104 shop.orders@51", "113 shop.t@69"}},
      {116,
       kExecute,
       {"arch", ""},
       "arch",
       {{"arch", ""}},
       {"104 shop.orders@51", "113 shop.t@69"}},
      // Unqualified in the text: it is renamed from where it was.
      {117,
       kExecute,
       {"arch", "T_old"},
       "shop",
       {{"arch", "T_old"}, {"shop", "t"}},
       {"104 shop.orders@51", "113 arch.T_old@72<69"}},
      {121,
       kExecute,
       {"shop", "pt"},
       "shop",
       {{"shop", "pt"}},
       {"104 shop.orders@51", "113 arch.T_old@72<69", "118 shop.pt@73"}},
      {123,
       kExecute,
       {"shop", "nt"},
       "shop",
       {{"shop", "nt"}},
       {"104 shop.orders@51", "113 arch.T_old@72<69", "118 shop.pt@73", "122 shop.nt@74"}},
      {124,
       kExecute,
       {"shop", "pt"},
       "shop",
       {{"shop", "pt"}, {"shop", "nt"}},
       {"104 shop.orders@51", "113 arch.T_old@72<69", "118 shop.pt@76<73", "119 shop.nt@76<74"}},
      {125,
       kExecute,
       {"shop", "pt"},
       "shop",
       {{"shop", "pt"}},
       {"104 shop.orders@51", "113 arch.T_old@72<69", "118 shop.pt@83<76", "119 shop.nt@76<74"}},
      {126,
       kExecute,
       {"arch", "T_old"},
       "arch",
       {{"arch", "T_old"}},
       {"104 shop.orders@51", "118 shop.pt@83<76", "119 shop.nt@76<74"}},
      {127,
       kExecute,
       {"arch", "T_old"},
       "arch",
       {{"arch", "T_old"}},
       {"104 shop.orders@51", "113 arch.T_old@87", "118 shop.pt@83<76", "119 shop.nt@76<74"}},
      {130,
       kExecute,
       {"shop", "r2"},
       "shop",
       {{"shop", "r1"}, {"shop", "r2"}},
       {"104 shop.orders@51", "113 arch.T_old@87", "118 shop.pt@83<76", "119 shop.nt@76<74",
        "128 shop.r1@88", "129 shop.r2@88"}},
      {131,
       kExecute,
       {"arch", "s2"},
       "shop",
       {{"shop", "r1"}, {"shop", "r2"}, {"shop", "s1"}, {"arch", "s2"}},
       {"104 shop.orders@51", "113 arch.T_old@87", "118 shop.pt@83<76", "119 shop.nt@76<74",
        "128 shop.s1@90<88", "129 arch.s2@90<88"}},
      // Rolled back.
      {132,
       kIgnore,
       {"", ""},
       "",
       {},
       {"104 shop.orders@51", "113 arch.T_old@87", "118 shop.pt@83<76", "119 shop.nt@76<74",
        "128 shop.s1@90<88", "129 arch.s2@90<88"}},
      {134,
       kExecute,
       {"shop", "v1"},
       "shop",
       {{"shop", "v1"}},
       {"104 shop.orders@51", "113 arch.T_old@87", "118 shop.pt@83<76", "119 shop.nt@76<74",
        "128 shop.s1@90<88", "129 arch.s2@90<88", "133 shop.v1@95"}},
      {136,
       kExecute,
       {"shop", "sq"},
       "shop",
       {{"shop", "sq"}},
       {"104 shop.orders@51", "113 arch.T_old@87", "118 shop.pt@83<76", "119 shop.nt@76<74",
        "128 shop.s1@90<88", "129 arch.s2@90<88", "133 shop.v1@95", "135 shop.sq@96"}},
  };
  return all;
}

std::map<int64_t, std::string> read_documents() {
  std::ifstream in(std::string(DRAINER_SOURCE_DIR) + "/tests/golden/ddl_jobs.jsonl");
  std::map<int64_t, std::string> out;
  for (std::string line; std::getline(in, line);) {
    Result<tidb::DdlJob> job = tidb::parse_ddl_job(line);
    REQUIRE(job.ok());
    out[job->id.value] = line;
  }
  REQUIRE(out.size() == 21);
  return out;
}

std::shared_ptr<const tidb::DdlJob> parse(const std::string& json) {
  return std::make_shared<const tidb::DdlJob>(tidb::parse_ddl_job(json).value());
}

Lines live(const Schema& schema) {
  std::map<int64_t, std::string> lines;
  for (const auto& [id, table] : schema.tables()) {
    std::string line =
        fmt::format("{} {}.{}@{}", id, table->name.schema, table->name.table, table->since);
    if (table->previous) line += fmt::format("<{}", table->previous->since);
    lines[id.value] = line;
  }
  Lines out;
  for (const auto& [id, line] : lines) out.push_back(line);
  return out;
}

}  // namespace

TEST_CASE("worked example: each job does what the specification says") {
  const std::map<int64_t, std::string> documents = read_documents();
  Schema schema;
  for (const Step& step : steps()) {
    INFO("job " << step.job_id);
    Result<DdlEffect> effect = schema.apply_ddl(parse(documents.at(step.job_id)));
    REQUIRE(effect.ok());
    CHECK(effect->action == step.action);
    CHECK(effect->name == step.name);
    CHECK(effect->use_schema == step.use_schema);
    CHECK(effect->touched == step.touched);
    CHECK((effect->action == kExecute) == effect->reason.empty());
    CHECK(live(schema) == step.tables);
  }
  CHECK(schema.version() == SchemaVersion(96));
  // Truncated: rows are dropped. The partition that became a table: rows belong to that.
  CHECK(schema.find_table(TableId(106)).state == TableLookup::State::kTruncated);
  const TableLookup exchanged = schema.find_table(TableId(122));
  REQUIRE(exchanged.state == TableLookup::State::kFound);
  CHECK(exchanged.table->name == TableName{"shop", "nt"});
  CHECK(schema.find_table(TableId(113)).state == TableLookup::State::kFound);
  CHECK(schema.find_table(TableId(999)).state == TableLookup::State::kUnknown);
}

TEST_CASE("worked example: rows bring in what their schema version needs, and no more") {
  Schema schema;
  for (const auto& [id, json] : read_documents()) schema.add_pending(parse(json));
  for (const Step& step : steps()) {
    INFO("job " << step.job_id);
    const auto job = parse(read_documents().at(step.job_id));
    REQUIRE(schema.advance_to(SchemaVersion(job->schema_version.value - 1)).ok());
    const bool is_first = step.job_id == 103;
    CHECK((is_first || live(schema) == steps()[size_t(&step - steps().data()) - 1].tables));
    REQUIRE(schema.advance_to(job->schema_version).ok());
    CHECK(live(schema) == step.tables);
    // Its binlog comes after the rows, and still says what to execute.
    Result<DdlEffect> effect = schema.apply_ddl(job);
    REQUIRE(effect.ok());
    CHECK(effect->action == step.action);
    CHECK(effect->touched == step.touched);
    CHECK(live(schema) == step.tables);
  }
  CHECK(schema.pending_count() == 0);
}

TEST_CASE("worked example: the history gives the same state, in any order, up to any version") {
  const std::map<int64_t, std::string> documents = read_documents();
  uint32_t seed = 7;
  for (const Step& last : steps()) {
    if (last.job_id == 132) continue;
    const auto job = parse(documents.at(last.job_id));
    for (const bool is_shuffled : {false, true}) {
      std::vector<std::pair<int64_t, std::string>> jobs(documents.begin(), documents.end());
      if (is_shuffled) std::shuffle(jobs.begin(), jobs.end(), std::minstd_rand(seed++));
      HistoryLoader loader(
          {.commit_ts = CommitTs(job->finished_ts), .schema_version = job->schema_version});
      for (const auto& [id, json] : jobs) REQUIRE(loader.add(DdlJobId(id), json).ok());
      Result<std::unique_ptr<Schema>> schema = std::move(loader).finish();
      INFO("up to job " << last.job_id << (schema.ok() ? "" : schema.error().to_string()));
      REQUIRE(schema.ok());
      CHECK(live(**schema) == last.tables);
      for (const auto& [id, table] : (*schema)->tables()) {
        CHECK((id == TableId(135) || !table->info->columns.empty()));
      }
      REQUIRE((*schema)->advance_to(SchemaVersion(96)).ok());
      CHECK(live(**schema) == steps().back().tables);
    }
  }
}
