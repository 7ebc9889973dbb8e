#include "conf/dump_position.h"

#include <catch2/catch.hpp>

namespace drainer::conf {

namespace {

std::string error_of(std::string_view text) {
  const auto position = parse_dump_position(text);
  return position.ok() ? "no error" : position.error().to_string();
}

constexpr const char* kDumpling =
    "Started dump at: 2020-11-10 10:40:19\n"
    "SHOW MASTER STATUS:\n"
    "\tLog: tidb-binlog\n"
    "\tPos: 420747102018863124\n"
    "\tGTID:\n"
    "\n"
    "SHOW MASTER STATUS: /* AFTER CONNECTION POOL ESTABLISHED */\n"
    "\tLog: tidb-binlog\n"
    "\tPos: 420747102018869999\n"
    "\tGTID:\n"
    "\n"
    "Finished dump at: 2020-11-10 10:40:20\n";

constexpr const char* kBr =
    "[2022/09/08 13:29:58 +08:00] [INFO] [backup.go:1] [start]\n"
    "[2022/09/08 13:30:03 +08:00] [INFO] [collector.go:77] [\"Full Backup success summary\"] "
    "[total-take=4.7s] [BackupTS=435844546560000000] [total-kv=1131]\n";

}  // namespace

TEST_CASE("dump position: Dumpling's metadata names the snapshot below the first status") {
  CHECK(parse_dump_position(kDumpling).value() == CommitTs(420747102018863124));
  std::string windows = kDumpling;
  for (size_t at = 0; (at = windows.find('\n', at)) != std::string::npos; at += 2) {
    windows.insert(at, "\r");
  }
  CHECK(parse_dump_position(windows).value() == CommitTs(420747102018863124));
}

TEST_CASE("dump position: BR's log and BR's end-version are taken too") {
  CHECK(parse_dump_position(kBr).value() == CommitTs(435844546560000000));
  CHECK(parse_dump_position("Detail BR log in /tmp/br.log\n435844546560000000\n\n").value() ==
        CommitTs(435844546560000000));
}

TEST_CASE("dump position: a position that is none of TiDB's snapshots is refused with its text") {
  CHECK(error_of("SHOW MASTER STATUS:\n\tLog: mysql-bin.000003\n\tPos: 1280\n") ==
        "the dump is not one of TiDB: `Log: mysql-bin.000003` below `SHOW MASTER STATUS:`, "
        "expected `Log: tidb-binlog`");
  CHECK(error_of("SHOW MASTER STATUS:\n\tLog: tidb-binlog\n\n\tPos: 5\n") ==
        "`Pos: ` below `SHOW MASTER STATUS:` is no commit ts");
  CHECK(error_of("SHOW MASTER STATUS:\n\tLog: tidb-binlog\n\tPos: 12x\n") ==
        "`Pos: 12x` below `SHOW MASTER STATUS:` is no commit ts");
  CHECK(error_of("[\"Full Backup failed summary\"] [BackupTS=435844546560000000]\n") ==
        "BR's log tells of no backup that succeeded");
  CHECK(error_of(std::string(kBr) + "[\"Full Backup success summary\"] [BackupTS=5]\n") ==
        "BR's log tells of several backups: 435844546560000000 and 5");
  for (const char* nothing : {"", "\n", "0\n", "-5\n", "99999999999999999999\n", "Pos: 5\n"}) {
    INFO(nothing);
    CHECK(error_of(nothing).starts_with("no commit ts found: expected Dumpling's `metadata`"));
  }
}

TEST_CASE("dump position: the file is named in the error") {
  CHECK(read_dump_position("/nowhere/metadata").error().to_string() ==
        "open /nowhere/metadata: no such file or directory");
  const auto other = read_dump_position(DRAINER_SOURCE_DIR "/drainer.toml.example");
  REQUIRE_FALSE(other.ok());
  CHECK(
      other.error().to_string().starts_with(DRAINER_SOURCE_DIR "/drainer.toml.example: no commit"));
}

}  // namespace drainer::conf
