// Any bytes as DDL text: no crash, tokens in order, rewriting comes to an end.

#include <cstddef>
#include <cstdint>
#include <string>

#include "drainer/base/check.h"
#include "drainer/tidb/ddl_dialect.h"
#include "drainer/tidb/ddl_rewrite.h"
#include "drainer/tidb/ddl_sql_mode.h"
#include "drainer/tidb/ddl_statement.h"

using namespace drainer;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const bool ansi_quotes : {false, true}) {
    const auto tokens = tidb::TokenList::lex(text, {.ansi_quotes = ansi_quotes});
    if (!tokens) continue;
    size_t done = 0;
    for (size_t i = 0; i < tokens->size(); ++i) {
      const tidb::Token& token = (*tokens)[i];
      CHECK(done <= token.begin && token.begin < token.end && token.end <= size, "token {}", i);
      done = token.end;
      if (tokens->is_name(i)) (void)tokens->name(i);
    }
  }
  const tidb::DdlStatement statement = tidb::parse_ddl(text, tidb::kDefaultSqlMode);
  for (const tidb::NameInText& name : statement.tables) {
    CHECK(name.begin < name.end && name.end <= size, "name {}", name.table);
  }
  (void)tidb::is_only_tiflash_replica(text);
  for (const std::string_view part : tidb::split_statements(text)) {
    CHECK(part.data() >= text.data() && part.data() + part.size() <= text.data() + size, "part");
  }
  (void)tidb::to_default_sql_mode(text);
  (void)tidb::drop_only(text, "d`b", "t");
  (void)tidb::qualify_names(text, "d`b");
  // What has been rewritten has nothing left to rewrite.
  const std::string once = tidb::process_ddl_text(text);
  const std::string twice = tidb::process_ddl_text(once);
  CHECK(tidb::process_ddl_text(twice) == twice, "rewriting goes on: {}", once);
  (void)tidb::ddl_for_mysql(text, "db", "t");
  return 0;
}
