#include "syncer/passing_ddl.h"

#include <catch2/catch.hpp>

namespace drainer {
namespace {

struct Case {
  std::string text;
  schema::TableName name;  ///< what the job is about
  std::optional<std::string> expected;
  std::string used = "shop";  ///< the database to use afterwards
};

/// Nothing of the database `secret` passes; shop.own is the drainer's.
schema::TableFilter filter() {
  SyncerOptions options;
  options.ignore_schemas = {"secret"};
  schema::TableFilter out = schema::TableFilter::make(options).value();
  out.ignore({"shop", "own"});
  return out;
}

TEST_CASE("passing ddl: renames are judged by their names, in whatever SQL mode they are written") {
  const std::vector<Case> cases = {
      {"RENAME TABLE `b` TO `c`", {"shop", "c"}, "RENAME TABLE `b` TO `c`"},
      {R"(RENAME TABLE "b" TO "c")", {"shop", "c"}, R"(RENAME TABLE "b" TO "c")"},
      {R"(RENAME TABLE "b" TO "c", "secret"."x" TO "secret"."y")",
       {"secret", "y"},
       R"(RENAME TABLE "b" TO "c")"},
      {R"(RENAME TABLE "secret"."x" TO "secret"."y")", {"secret", "y"}, std::nullopt},
      {R"(RENAME TABLE "own" TO "c")", {"shop", "c"}, std::nullopt},
      {R"(ALTER TABLE "own" RENAME "c")", {"shop", "c"}, std::nullopt},
      {R"(ALTER TABLE "b" RENAME "c")", {"shop", "c"}, R"(ALTER TABLE "b" RENAME "c")"},
  };
  for (const Case& test : cases) {
    INFO(test.text);
    schema::DdlEffect effect;
    effect.name = test.name;
    effect.use_schema = "shop";
    CHECK(passing_renames(filter(), effect, test.text) == test.expected);
    CHECK(effect.use_schema == test.used);
  }
}

TEST_CASE("passing ddl: a rename whose names cannot be read is judged by the job's table") {
  const std::string_view text = "RENAME TABLE 'b' TO 'c'";
  schema::DdlEffect effect;
  effect.name = {"shop", "c"};
  CHECK(passing_renames(filter(), effect, text) == text);
  effect.name = {"secret", "c"};
  CHECK(passing_renames(filter(), effect, text) == std::nullopt);
}

}  // namespace
}  // namespace drainer
