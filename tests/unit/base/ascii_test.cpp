#include "drainer/base/ascii.h"

#include <catch2/catch.hpp>

using namespace drainer;

TEST_CASE("ascii: only the 26 letters have a case") {
  CHECK(fold_case("AZaz09@[`{") == "azaz09@[`{");
  CHECK(fold_case("\xc3\x84\xc4\xb0") == "\xc3\x84\xc4\xb0");  // Ä and İ
  CHECK(fold_case("").empty());
  CHECK(equals_folded("Drainer_Repl_MARK", "drainer_repl_mark"));
  CHECK_FALSE(equals_folded("mark", "marks"));
  CHECK_FALSE(equals_folded("@", "`"));
  CHECK_FALSE(equals_folded("\xc3\x84", "\xc3\xa4"));
}

TEST_CASE("ascii: blanks go from both ends only") {
  CHECK(trim_blanks(" \t\r\na b\v\f") == "a b");
  CHECK(trim_blanks("a") == "a");
  CHECK(trim_blanks(" \n").empty());
  CHECK(trim_blanks("").empty());
}
