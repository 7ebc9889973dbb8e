// Holds the code to the house rules: who may include whom, which libraries stay behind which wall,
// how long a file may be, and which calls nobody makes. (house.md, style.md)

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace fs = std::filesystem;

namespace {

using Names = std::set<std::string>;

// folder -> folders it may include besides itself and drainer/base.
const std::map<std::string, Names> kNeighbours = {
    {"drainer/base", {}},
    {"drainer/tidb", {}},
    {"drainer/rpc", {}},
    {"drainer/proto", {}},
    {"conf", {}},
    {"drainer/schema", {"conf", "drainer/tidb"}},
    {"drainer/cluster", {"drainer/tidb", "drainer/rpc", "drainer/proto"}},
    {"drainer/server", {"drainer/rpc"}},
    {"pump_client", {"drainer/tidb", "drainer/rpc", "drainer/proto", "drainer/cluster"}},
    {"loopback", {"drainer/tidb", "drainer/schema"}},
    {"syncer", {"conf", "drainer/tidb", "drainer/schema", "loopback", "syncer/checkpoint"}},
    {"syncer/mysql/session", {"conf", "drainer/tidb", "drainer/schema"}},
    {"syncer/mysql/order", {"syncer"}},
    {"syncer/mysql/rows",
     {"conf", "drainer/tidb", "drainer/schema", "syncer", "syncer/mysql/session",
      "syncer/mysql/order"}},
    {"syncer/mysql",
     {"conf", "drainer/tidb", "drainer/schema", "loopback", "syncer", "syncer/mysql/session",
      "syncer/mysql/order", "syncer/mysql/rows"}},
    {"syncer/file", {"conf", "drainer/tidb", "drainer/schema", "syncer"}},
    {"syncer/kafka", {"conf", "drainer/tidb", "drainer/schema", "drainer/rpc", "syncer"}},
    // A relay log has the records of the one and the messages of the other.
    {"syncer/relay", {"drainer/tidb", "drainer/schema", "syncer", "syncer/file", "syncer/kafka"}},
    // A checkpoint may lie in a table: of the sink it may use the session, its literals and
    // what its errors call for.
    {"syncer/checkpoint",
     {"conf", "syncer/mysql/session/session.h", "syncer/mysql/session/literal.h",
      "syncer/mysql/session/failure.h"}},
    {"drainer",
     {"conf", "drainer/tidb", "drainer/rpc", "drainer/cluster", "drainer/schema", "drainer/server",
      "pump_client", "loopback", "syncer", "syncer/file", "syncer/kafka", "syncer/mysql",
      "syncer/mysql/session", "syncer/mysql/rows", "syncer/relay", "syncer/checkpoint"}},
};

// What sinks may see of syncer/.
const Names kSinkInterface = {"syncer/missing_value.h", "syncer/read_back.h", "syncer/sink.h",
                              "syncer/txn.h"};

// library header pattern -> the only files that may include it.
const std::vector<std::pair<std::regex, Names>> kWalls = {
    {std::regex("mysql_(driver|connection|error)|cppconn/|mariadb/"),
     {"syncer/mysql/session/session.cpp"}},
    {std::regex("librdkafka/"), {"syncer/kafka/producer.cpp"}},
    {std::regex("nghttp2/"), {"drainer/rpc/http2.cpp", "drainer/rpc/http2_server.cpp"}},
    {std::regex("boost/(beast|asio)"),
     {"drainer/server/routes.cpp", "drainer/rpc/port.cpp", "drainer/server/metrics_push.cpp"}},
    {std::regex("toml\\+\\+|tomlplusplus|toml\\.hpp"),
     {"conf/toml_file.cpp", "syncer/checkpoint/file_checkpoint.cpp"}},
    {std::regex("spdlog/"), {"drainer/base/log.cpp"}},
    {std::regex("^iostream$"), {}},
};

const std::vector<std::pair<std::regex, Names>> kBannedCalls = {
    {std::regex("\\bsleep_for\\(|\\busleep\\(|\\bsleep\\("),
     {"drainer/base/clock.h", "drainer/base/clock.cpp", "drainer/base/retry.h"}},
    {std::regex("\\.detach\\("), {}},
    {std::regex("std::async\\b"), {}},
    {std::regex("std::j?thread\\b"), {"drainer/base/threads.h", "drainer/base/threads.cpp"}},
    {std::regex("std::mutex\\b|std::condition_variable"), {"drainer/base/mutex.h"}},
    {std::regex("\\bnew [A-Za-z_:]+[({]"), {}},
    // Behind a small one mold 1.10 may lay out a program so that it cannot be loaded.
    {std::regex("\\bthread_local\\b"), {}},
};

constexpr size_t kLinesMax = 420;

struct SourceFile {
  std::string path;  // relative to the project
  std::string folder;
  std::vector<std::string> lines;
};

std::vector<SourceFile> read_sources() {
  const fs::path root = DRAINER_SOURCE_DIR;
  std::vector<SourceFile> out;
  for (const char* top : {"conf", "drainer", "loopback", "pump_client", "syncer"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const fs::path extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      const fs::path relative = fs::relative(entry.path(), root);
      SourceFile file{relative.generic_string(), relative.parent_path().generic_string(), {}};
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) file.lines.push_back(line);
      out.push_back(std::move(file));
    }
  }
  return out;
}

bool may_include(const SourceFile& file, const std::string& header) {
  const std::string folder = fs::path(header).parent_path().generic_string();
  if (folder == file.folder || folder == "drainer/base") return true;
  const auto known = kNeighbours.find(file.folder);
  if (known == kNeighbours.end()) return false;
  if (!known->second.contains(folder) && !known->second.contains(header)) return false;
  if (folder == "syncer" && file.folder.starts_with("syncer/"))
    return kSinkInterface.contains(header);
  return true;
}

}  // namespace

TEST_CASE("house: files include only their neighbours") {
  const std::regex own_include("^#include \"([^\"]+)\"");
  for (const SourceFile& file : read_sources()) {
    for (const std::string& line : file.lines) {
      std::smatch match;
      if (!std::regex_search(line, match, own_include)) continue;
      INFO(file.path << " includes " << match[1]);
      CHECK(may_include(file, match[1]));
    }
  }
}

TEST_CASE("house: libraries stay behind their walls, generated messages out of headers") {
  const std::regex any_include("^#include [<\"]([^>\"]+)[>\"]");
  for (const SourceFile& file : read_sources()) {
    for (const std::string& line : file.lines) {
      std::smatch match;
      if (!std::regex_search(line, match, any_include)) continue;
      const std::string header = match[1];
      INFO(file.path << " includes " << header);
      for (const auto& [pattern, allowed] : kWalls) {
        CHECK((!std::regex_search(header, pattern) || allowed.contains(file.path)));
      }
      CHECK_FALSE((header.ends_with(".pb.h") && file.path.ends_with(".h")));
    }
  }
}

TEST_CASE("house: nobody calls what is banned") {
  for (const SourceFile& file : read_sources()) {
    for (const std::string& line : file.lines) {
      if (line.find("NOLINT") != std::string::npos) continue;
      const std::string code = line.substr(0, line.find("//"));
      for (const auto& [pattern, allowed] : kBannedCalls) {
        INFO(file.path << ": " << line);
        const bool is_clock_call = code.find("clock") != std::string::npos;
        CHECK((!std::regex_search(code, pattern) || allowed.contains(file.path) || is_clock_call));
      }
    }
  }
}

TEST_CASE("house: files stay short enough to read") {
  for (const SourceFile& file : read_sources()) {
    INFO(file.path << " has " << file.lines.size() << " lines");
    CHECK(file.lines.size() <= kLinesMax);
  }
}
