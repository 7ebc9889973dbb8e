// Holds the code to the house rules: who may include whom, which libraries stay behind which wall,
// how long a file may be, and which calls nobody makes.

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

// A checkpoint may lie in a table: of the sink's sessions it may use these.
const Names kCheckpointTable = {"syncer/mysql/session/session.h", "syncer/mysql/session/literal.h",
                                "syncer/mysql/session/failure.h"};

// What sinks may see of syncer/.
const Names kSinkInterface = {"syncer/missing_value.h", "syncer/read_back.h", "syncer/sink.h",
                              "syncer/txn.h"};

// library header pattern -> the only files that may include it.
const std::vector<std::pair<std::regex, Names>> kWalls = {
    {std::regex("mysql_(driver|connection|error)|cppconn/|mariadb/"),
     {"syncer/mysql/session/session.cpp"}},
    {std::regex("librdkafka/"), {"syncer/kafka/producer.cpp"}},
    {std::regex("nghttp2/"), {"drainer/rpc/nghttp2_parts.h"}},
    {std::regex("nghttp2_parts"), {"drainer/rpc/http2.cpp", "drainer/rpc/http2_server.cpp"}},
    {std::regex("openssl/"),
     {"conf/secret.cpp", "conf/security_files.cpp", "drainer/rpc/tls.cpp",
      "drainer/rpc/tls_session.cpp"}},
    {std::regex("zlib\\.h"), {"drainer/rpc/gzip.cpp", "syncer/kafka/event_router.cpp"}},
    {std::regex("boost/(beast|asio)"), {"drainer/server/routes.cpp"}},
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

// The text without comments.
std::string read_cmake(const fs::path& path) {
  std::ifstream in(path);
  std::string out;
  for (std::string line; std::getline(in, line);) out += line.substr(0, line.find('#')) + '\n';
  return out;
}

// As CMakeLists.txt says: folder -> folders it may include. One target per folder.
std::map<std::string, Names> read_neighbours() {
  const std::regex target("(?:drainer_library|drainer_program|add_library)\\(\\s*([^)]*)\\)");
  std::map<std::string, std::string> folders;  // of targets
  std::map<std::string, Names> targets;        // of folders
  const fs::path root = DRAINER_SOURCE_DIR;
  for (const char* top : {"conf", "drainer", "loopback", "pump_client", "syncer"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      if (entry.path().filename() != "CMakeLists.txt") continue;
      const std::string folder = fs::relative(entry.path().parent_path(), root).generic_string();
      const std::string text = read_cmake(entry.path());
      std::smatch match;
      if (!std::regex_search(text, match, target)) continue;
      std::istringstream words(match[1]);
      std::string word;
      words >> word;
      folders[word] = folder;
      Names& neighbours = targets[folder];
      for (bool are_neighbours = false; words >> word;) {
        if (word == "SOURCES" || word == "NEIGHBOURS" || word == "LIBRARIES") {
          are_neighbours = word == "NEIGHBOURS";
        } else if (are_neighbours) {
          neighbours.insert(word);
        }
      }
    }
  }
  std::map<std::string, Names> out;
  for (const auto& [folder, names] : targets) {
    Names& neighbours = out[folder];
    for (const std::string& name : names) {
      INFO(folder << " names " << name);
      REQUIRE(folders.contains(name));
      neighbours.insert(folders.at(name));
    }
  }
  return out;
}

std::string folder_of(const std::string& header) {
  return fs::path(header).parent_path().generic_string();
}

bool may_include(const SourceFile& file, const std::string& header, const Names& neighbours) {
  const std::string folder = folder_of(header);
  if (folder == file.folder) return true;
  if (!neighbours.contains(folder)) return false;
  if (file.folder == "syncer/checkpoint" && folder == "syncer/mysql/session") {
    return kCheckpointTable.contains(header);
  }
  if (folder == "syncer" && file.folder.starts_with("syncer/")) {
    return kSinkInterface.contains(header);
  }
  return true;
}

}  // namespace

TEST_CASE("house: files include only their neighbours, and each neighbour is needed") {
  const std::regex own_include("^#include \"([^\"]+)\"");
  std::map<std::string, Names> neighbours = read_neighbours();
  std::map<std::string, Names> unused = neighbours;
  for (const SourceFile& file : read_sources()) {
    for (const std::string& line : file.lines) {
      std::smatch match;
      if (!std::regex_search(line, match, own_include)) continue;
      const std::string header = match[1];
      INFO(file.path << " includes " << header);
      CHECK(may_include(file, header, neighbours[file.folder]));
      unused[file.folder].erase(folder_of(header));
    }
  }
  for (const auto& [folder, names] : unused) {
    for (const std::string& name : names) {
      INFO(folder << " does not include " << name);
      CHECK(false);
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
