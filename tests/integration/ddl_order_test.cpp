// The DDL that reaches MariaDB is that of the recording, statement by statement, in its order. All
// captures: DRAINER_CAPTURES=…/captures integration_test "ddl order:*"

#include <filesystem>
#include <sstream>

#include "drainer/tidb/ddl_dialect.h"
#include "drainer/tidb/ddl_statement.h"
#include "tests/integration/expected_messages.h"
#include "tests/integration/pipeline.h"
#include "tests/upstream/wire.h"

#include <catch2/catch.hpp>

using namespace drainer;
using integration::Capture;
using integration::Pipeline;

namespace {

/// A recorded statement, before it was made fit for MySQL.
struct Recorded {
  std::string schema;  ///< empty: not known
  std::string table;
  std::string text;
};

// What the Go drainer executed on MariaDB.
std::vector<Recorded> read_executed(const std::string& file) {
  std::vector<Recorded> out;
  std::istringstream in(fakes::read_file(file));
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && !line.starts_with("use ")) out.push_back({"", "", line});
  }
  return out;
}

// What the Go drainer wrote to Kafka: all DDL, also what means nothing to MySQL.
std::vector<Recorded> read_messages(const std::string& directory) {
  std::vector<Recorded> out;
  const auto expected = integration::load_kafka_messages(directory);
  if (!expected) return out;
  for (const ByteView message : expected->messages) {
    upstream::WireField field;
    for (upstream::WireReader fields(message); fields.next(field);) {
      if (field.number != 4) continue;  // ddl_data
      Recorded& ddl = out.emplace_back();
      upstream::WireField part;
      for (upstream::WireReader parts(field.bytes); parts.next(part);) {
        if (part.number == 1) ddl.schema = part.bytes;
        if (part.number == 2) ddl.table = part.bytes;
        if (part.number == 3) ddl.text = part.bytes;
      }
    }
  }
  return out;
}

// As the server's log shows it: without a final ';', characters of four bytes in hex.
std::string as_logged(std::string_view text) {
  while (text.ends_with(';') || text.ends_with(' ')) text.remove_suffix(1);
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (static_cast<unsigned char>(text[at]) < 0xf0 || at + 4 > text.size()) {
      out += text[at];
      continue;
    }
    for (size_t i = 0; i < 4; ++i) {
      out += fmt::format("\\x{:02X}", static_cast<unsigned char>(text[at + i]));
    }
    at += 3;
  }
  return out;
}

// The statements of the drainer's user in the server's log but for its own tables and sessions.
std::vector<std::string> executed_ddl(mysql::Session& session) {
  const auto rows = session.query(
      "select argument from mysql.general_log where command_type = 'Query' and "
      "user_host like 'dr[dr]%' and argument regexp '^ *(create|alter|drop|rename|truncate) ' and "
      "argument not like '%tidb_binlog%'");
  REQUIRE(rows.ok());
  std::vector<std::string> out;
  for (const mysql::ResultRow& row : *rows) out.push_back(as_logged(row[0].value_or("")));
  return out;
}

// `text` is what MySQL gets for the recorded statement; of a DROP of several tables, one of them.
bool is_same(const Recorded& recorded, const std::string& text) {
  if (as_logged(recorded.text) == text) return true;
  std::string schema = recorded.schema;
  std::string table = recorded.table;
  if (schema.empty()) {
    const tidb::DdlStatement statement = tidb::parse_ddl(text, tidb::kDefaultSqlMode);
    if (!statement.tables.empty()) {
      schema = statement.tables[0].schema;
      table = statement.tables[0].table;
    }
  }
  return as_logged(tidb::ddl_for_mysql(recorded.text, schema, table)) == text;
}

// The Go drainer tries a failing statement five times.
bool is_retry(const std::vector<Recorded>& recorded, size_t i) {
  return i > 0 && recorded[i].text == recorded[i - 1].text;
}

// `use` before the DROP of a database that downstream never had fails, and that is all.
bool is_without_database(const Recorded& recorded) {
  return tidb::classify_ddl(recorded.text, tidb::kDefaultSqlMode) == tidb::DdlKind::kDropDatabase;
}

void check_order(const Capture& capture) {
  Pipeline pipeline(capture);
  pipeline.start_upstream();
  pipeline.write_config();
  mysql::Session& session = pipeline.downstream();
  REQUIRE(session.execute("set global log_output = 'TABLE'").ok());
  REQUIRE(session.execute("truncate table mysql.general_log").ok());
  REQUIRE(session.execute("set global general_log = 1").ok());
  pipeline.start_drainer_over_capture();
  const std::optional<int> code = pipeline.wait_for_drainer();
  REQUIRE(session.execute("set global general_log = 0").ok());
  INFO(pipeline.drainer_log().substr(
      pipeline.drainer_log().size() > 2000 ? pipeline.drainer_log().size() - 2000 : 0));
  REQUIRE(code == 0);

  const std::string executed = capture.directory + "/downstream.ddl.sql";
  const bool has_executed = std::filesystem::exists(executed);
  std::vector<Recorded> recorded =
      has_executed ? read_executed(executed) : read_messages(capture.directory);
  std::erase_if(recorded, [](const Recorded& ddl) {
    return tidb::ddl_for_mysql(ddl.text, ddl.schema, ddl.table).empty();
  });
  const std::vector<std::string> found = executed_ddl(session);
  REQUIRE(recorded.size() > 10);
  size_t at = 0;
  for (size_t i = 0; i < recorded.size(); ++i) {
    if (at < found.size() && is_same(recorded[i], found[at])) {
      ++at;
      continue;
    }
    INFO("statement " << i << "\nrecorded: " << recorded[i].text
                      << "\nexecuted: " << (at < found.size() ? found[at] : "none"));
    REQUIRE((is_retry(recorded, i) || is_without_database(recorded[i])));
  }
  INFO("executed beyond the recording: " << (at < found.size() ? found[at] : ""));
  CHECK(at == found.size());
}

}  // namespace

TEST_CASE("ddl order: the bundled capture's DDL arrives as the Go drainer executed it") {
  check_order(Capture::bundled());
}

TEST_CASE("ddl order: recorded captures' DDL arrives in its order", "[.campaign]") {
  const std::string name =
      GENERATE(as<std::string>{}, "ddl", "ddl-75", "mix-a", "mix-75", "mix-b", "types", "filters");
  const std::optional<Capture> capture = Capture::shared(name);
  if (!capture) {
    WARN("capture " << name << " is not on this machine: skipped");
    return;
  }
  INFO("capture " << name);
  check_order(*capture);
}
