#include "drainer/start_position.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "drainer/schema/schema_store.h"
#include "tests/fakes/process.h"

using namespace drainer;
using drainer::fakes::TempDir;

namespace {

class SavedCheckpoint final : public Checkpoint {
 public:
  explicit SavedCheckpoint(std::optional<SavePoint> saved) : saved_(std::move(saved)) {}
  Result<std::optional<SavePoint>> load() override { return saved_; }
  Result<void> save(const SavePoint& /*point*/, const StopToken& /*stop*/) override { return {}; }

 private:
  std::optional<SavePoint> saved_;
};

CommitTs at_second(int64_t seconds) {
  return CommitTs((seconds * 1000) << 18);
}
const CommitTs kNow = at_second(1'700'000'000);

std::optional<SavePoint> saved_at(CommitTs commit_ts) {
  SavePoint point;
  point.commit_ts = commit_ts;
  point.schema_version = SchemaVersion(7);
  return point;
}

struct Case {
  const char* name;
  int64_t initial_commit_ts;
  bool has_dump;
  std::optional<SavePoint> saved;
  int64_t commit_ts;
  bool has_checkpoint;
  bool is_start_given;
};

}  // namespace

TEST_CASE("a run begins at the checkpoint, else where somebody says, else now", "[app]") {
  const TempDir directory("start-position");
  const std::string dump = directory.path() + "/metadata";
  std::ofstream(dump) << "SHOW MASTER STATUS:\n\tLog: tidb-binlog\n\tPos: 500\n";
  const Case cases[] = {
      {"nothing is known", -1, false, std::nullopt, kNow.value, false, false},
      {"a commit ts is given", 300, false, std::nullopt, 300, false, true},
      {"the start of the history", 0, false, std::nullopt, 0, false, true},
      {"a dump", -1, true, std::nullopt, 500, false, true},
      {"a checkpoint", -1, false, saved_at(CommitTs(400)), 400, true, false},
      {"a checkpoint above a given ts", 300, false, saved_at(CommitTs(400)), 400, true, true},
      {"a checkpoint without a position", 300, false, saved_at(CommitTs(0)), 300, false, true},
      {"a clock that is a little ahead", -1, false, saved_at(at_second(1'700'000'059)),
       at_second(1'700'000'059).value, true, false},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    Options options;
    options.initial_commit_ts = c.initial_commit_ts;
    if (c.has_dump) options.syncer.apply.initial_commit_ts_from = dump;
    SavedCheckpoint checkpoint(c.saved);
    const auto start = find_start(options, checkpoint, kNow);
    REQUIRE(start.ok());
    CHECK(start->save_point.commit_ts.value == c.commit_ts);
    CHECK(start->has_checkpoint == c.has_checkpoint);
    CHECK(start->is_start_given == c.is_start_given);
  }
}

TEST_CASE("a dump is not read once there is a checkpoint", "[app]") {
  Options options;
  options.syncer.apply.initial_commit_ts_from = "/does/not/exist";
  SavedCheckpoint saved(saved_at(CommitTs(400)));
  CHECK(find_start(options, saved, kNow).ok());
  SavedCheckpoint empty(std::nullopt);
  const auto start = find_start(options, empty, kNow);
  REQUIRE_FALSE(start.ok());
  CHECK(start.error().to_string().find("/does/not/exist") != std::string::npos);
}

TEST_CASE("a position ahead of the cluster's time is refused, and which it is said", "[app]") {
  const CommitTs ahead = at_second(1'700'000'061);
  Options options;
  SavedCheckpoint saved(saved_at(ahead));
  auto start = find_start(options, saved, kNow);
  REQUIRE_FALSE(start.ok());
  CHECK(start.error().code() == ErrorCode::kInvalid);
  CHECK(start.error().to_string().find("the checkpoint's commit ts " + std::to_string(ahead.value) +
                                       " lies 61 s ahead") != std::string::npos);
  SavedCheckpoint empty(std::nullopt);
  options.initial_commit_ts = ahead.value;
  start = find_start(options, empty, kNow);
  REQUIRE_FALSE(start.ok());
  CHECK(start.error().to_string().find("initial-commit-ts " + std::to_string(ahead.value)) !=
        std::string::npos);
}

TEST_CASE("what an earlier run had come to is left out only where -1 is written", "[app]") {
  const TempDir directory("start-reached");
  CHECK_FALSE(find_reached(directory.path(), 7).has_value());
  schema::SchemaImage image;
  image.commit_ts = CommitTs(500);
  const std::string path = schema::schema_store_path(directory.path());
  REQUIRE(schema::write_schema_store(path, 7, image).ok());
  CHECK_FALSE(find_reached(directory.path(), 8).has_value());
  const auto reached = find_reached(directory.path(), 7);
  REQUIRE(reached == CommitTs(500));

  Options options;
  CHECK(check_left_out(options, std::nullopt).ok());
  const auto checked = check_left_out(options, reached);
  REQUIRE_FALSE(checked.ok());
  CHECK(checked.error().to_string().find("give -initial-commit-ts 500 to go on there") !=
        std::string::npos);
  options.is_initial_commit_ts_given = true;
  CHECK(check_left_out(options, reached).ok());
}
