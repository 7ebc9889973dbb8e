#include "conf/unused_keys.h"

#include <catch2/catch.hpp>

#include "conf/toml_file.h"

namespace drainer::conf {

TEST_CASE("unused keys: those that are set are named, in full") {
  using Names = std::vector<std::string>;
  const std::pair<std::string, Names> cases[] = {
      {"", {}},
      {"[syncer]\nenable-dispatch = false\n[syncer.to]\nmerge = false", {}},
      {"[syncer]\nenable-detect = true\n[syncer.to]\nmerge = true",
       {"syncer.enable-detect", "syncer.to.merge"}},
      {"[[syncer.table-migrate-rule]]\nsource.schema = 'a'", {}},
      {"[[syncer.table-migrate-rule]]\ntarget.schema = 'a'\n"
       "[syncer.to.checkpoint]\noracle-service-name = 'o'",
       {"syncer.to.checkpoint.oracle-service-name", "syncer.table-migrate-rule.target.schema"}},
  };
  for (const auto& [text, names] : cases) {
    INFO(text);
    Draft draft;
    REQUIRE(apply_toml("FILE", text, draft).value().empty());
    CHECK(unused_keys(draft) == names);
  }
  Draft draft;
  draft.log_rotate = "day";
  CHECK(unused_keys(draft) == Names{"-log-rotate"});
}

}  // namespace drainer::conf
