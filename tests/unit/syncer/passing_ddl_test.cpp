#include "syncer/passing_ddl.h"

#include <catch2/catch.hpp>

using namespace drainer;

namespace {

// Left out: database d2, tables of d1 that begin with tmp_, and own.mark, which is the drainer's.
schema::TableFilter make_filter() {
  SyncerOptions options;
  options.ignore_schemas = {"d2"};
  options.ignore_table.push_back({"d1", "~^tmp_.*"});
  schema::TableFilter filter = schema::TableFilter::make(options).value();
  REQUIRE(filter.ignore({"own", "mark"}));
  return filter;
}

struct Case {
  std::string_view clauses;  ///< of the RENAME TABLE
  std::string_view passing;  ///< "-": nothing
  bool must_fit = false;
};

struct TextCase {
  std::string text;
  schema::TableName name;  ///< what the job is about
  std::optional<std::string> expected;
};

/// Nothing of the database `secret` passes; shop.own is the drainer's.
schema::TableFilter secret_filter() {
  SyncerOptions options;
  options.ignore_schemas = {"secret"};
  schema::TableFilter out = schema::TableFilter::make(options).value();
  out.ignore({"shop", "own"});
  return out;
}

}  // namespace

TEST_CASE("passing ddl: renames pass by what becomes of each table in the end") {
  const schema::TableFilter filter = make_filter();
  const auto c = GENERATE(values<Case>({
      // By itself: out of the filter, into it, within it.
      {"a to b", "a to b"},
      {"tmp_a to b", "tmp_a to b"},
      {"a to tmp_b", "-"},
      {"tmp_a to tmp_b", "-"},
      // Through a name that is left out.
      {"a to tmp_x, b to a, tmp_x to b", "a to tmp_x, b to a, tmp_x to b", true},
      {"a to TMP_X, tmp_x to b", "a to TMP_X, tmp_x to b", true},
      {"a to d2.x, d2.x to b", "a to d2.x, d2.x to b", true},
      {"tmp_a to x, x to b", "tmp_a to x, x to b"},
      // Through one that is not, to one that is.
      {"a to x, x to tmp_b", "-"},
      {"a to x, c to d, x to tmp_b", "c to d", true},
      // What shares no name with what passes is left out.
      {"a to b, c to tmp_c", "a to b", true},
      {"d2.a to d2.b, a to b, d2.c to d2.d", "a to b", true},
      {"tmp_a to b, c to tmp_c", "tmp_a to b"},
      {"tmp_a to a, c to d", "tmp_a to a, c to d", true},
      // What makes room for it, or takes its place, is not.
      {"a to tmp_a, b to a", "a to tmp_a, b to a", true},
      {"A to tmp_a, d1.b to d1.a", "A to tmp_a, d1.b to d1.a", true},
      {"a to b, c to a, b to tmp_b", "a to b, c to a, b to tmp_b", true},
      {"a to tmp_a, b to a, c to tmp_c", "a to tmp_a, b to a", true},
      {"tmp_a to tmp_b, a to tmp_a, b to a", "tmp_a to tmp_b, a to tmp_a, b to a", true},
      {"a to tmp_a, tmp_b to a", "a to tmp_a, tmp_b to a"},
      // The drainer's own table stays where it is.
      {"own.mark to x", "-"},
      {"own.mark to x, a to b", "a to b", true},
      {"own.mark to x, x to y, a to b", "a to b", true},
      {"own.mark to x, a to own.mark, own.mark to b", "a to own.mark, own.mark to b", true},
  }));
  CAPTURE(c.clauses);
  schema::DdlEffect effect;
  effect.name = {"d1", "of_the_last"};
  effect.use_schema = "d1";
  const auto text =
      passing_renames(filter, effect, "rename table " + std::string(c.clauses)).value_or("-");
  CHECK(text == (c.passing == "-" ? "-" : "rename table " + std::string(c.passing)));
  CHECK(effect.must_fit == c.must_fit);
}

TEST_CASE("passing ddl: renames are judged by their names, in whatever SQL mode they are written") {
  const std::vector<TextCase> cases = {
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
  for (const TextCase& test : cases) {
    INFO(test.text);
    schema::DdlEffect effect;
    effect.name = test.name;
    effect.use_schema = "shop";
    CHECK(passing_renames(secret_filter(), effect, test.text) == test.expected);
    CHECK(effect.use_schema == "shop");
  }
}

TEST_CASE("passing ddl: a rename whose names cannot be read is judged by the job's table") {
  const std::string_view text = "RENAME TABLE 'b' TO 'c'";
  schema::DdlEffect effect;
  effect.name = {"shop", "c"};
  CHECK(passing_renames(secret_filter(), effect, text) == text);
  effect.name = {"secret", "c"};
  CHECK(passing_renames(secret_filter(), effect, text) == std::nullopt);
}

TEST_CASE("passing ddl: no database that is left out is used where names need none") {
  struct UseCase {
    std::string_view text;
    schema::TableName name;
    std::string_view use;
    std::string_view expected;
  };
  const schema::TableFilter filter = make_filter();
  const auto c = GENERATE(values<UseCase>({
      {"rename table d1.a to d1.b", {"d1", "b"}, "d2", "d1"},
      {"rename table d2.x to d1.a, d1.c to d1.b", {"d1", "b"}, "d2", "d1"},
      {"rename table d1.a to d2.x, d1.b to d1.a", {"d1", "a"}, "d2", "d1"},
      {"rename table d1.a to d1.b, d2.x to d2.y", {"d2", "y"}, "d3", "d1"},
      {"rename table d1.a to d1.b", {"d1", "b"}, "d3", "d3"},
      {"rename table a to d1.b", {"d1", "b"}, "d2", "d2"},
  }));
  CAPTURE(c.text);
  schema::DdlEffect effect;
  effect.name = c.name;
  effect.use_schema = c.use;
  CHECK(passing_renames(filter, effect, c.text));
  CHECK(effect.use_schema == c.expected);
}
