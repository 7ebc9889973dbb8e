#include "drainer/base/log_file.h"

#include <sys/stat.h>

#include <filesystem>
#include <random>
#include <regex>

#include <catch2/catch.hpp>

#include "drainer/base/log.h"
#include "tests/fakes/log_grammar.h"
#include "tests/fakes/process.h"

using namespace drainer;
namespace fs = std::filesystem;

namespace {

// The names in a directory, in their order.
std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(directory)) {
    out.push_back(entry.path().filename().string());
  }
  std::ranges::sort(out);
  return out;
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

std::unique_ptr<LogFile> open_file(LogFile::Options options) {
  auto file = LogFile::open(std::move(options));
  REQUIRE(file.ok());
  return std::move(file).value();
}

}  // namespace

TEST_CASE("log file: it is appended to, private, and its directories are made") {
  const fakes::TempDir directory("log");
  const std::string path = directory.path() + "/a/b/drainer.log";
  REQUIRE(open_file({.path = path})->write("one\n"));
  REQUIRE(open_file({.path = path})->write("two\n"));
  CHECK(fakes::read_file(path) == "one\ntwo\n");
  CHECK(mode_of(path) == 0600);
  CHECK(mode_of(directory.path() + "/a") == 0755);
  CHECK(LogFile::open({.path = directory.path()}).error().text() ==
        "can't use directory as log file name");
  CHECK_FALSE(LogFile::open({.path = path + "/x"}).ok());
}

TEST_CASE("log file: a line that would exceed the limit begins a new file, nothing is lost") {
  const fakes::TempDir directory("log");
  const std::string path = directory.path() + "/drainer.log";
  fakes::write_file(path, "from an earlier run\n");
  fs::permissions(path, fs::perms(0640));
  const auto file = open_file({.path = path, .bytes_max = 40});
  std::string all = "from an earlier run\n";
  for (int i = 0; i < 20; ++i) {
    const std::string line = "line " + std::to_string(i) + " of twenty\n";
    REQUIRE(file->write(line));
    all += line;
  }
  const std::string large = std::string(100, 'x') + "\n";
  REQUIRE(file->write(large));
  std::vector<std::string> names = names_in(directory.path());
  CHECK(names.back() == "drainer.log");
  names.pop_back();
  CHECK(names.size() >= 10);
  std::string found;
  const std::regex backup("drainer-\\d{4}-\\d\\d-\\d\\dT\\d\\d-\\d\\d-\\d\\d\\.\\d{3}\\.log");
  for (const std::string& name : names) {
    CHECK(std::regex_match(name, backup));
    const std::string part = fakes::read_file(directory.path() + "/" + name);
    CHECK(part.size() <= 40);
    found += part;
  }
  CHECK(found == all);
  CHECK(fakes::read_file(path) == large);
  CHECK(mode_of(path) == 0640);
}

TEST_CASE("log file: files set aside go by number and age, others stay") {
  const fakes::TempDir directory("log");
  const std::string path = directory.path() + "/drainer.log";
  const std::vector<std::string> kept = {"drainer-2026-11-21.log", "drainer.log.1",
                                         "other-2001-01-01T00-00-00.000.log"};
  for (const std::string& name : kept) fakes::write_file(directory.path() + "/" + name, "x");
  for (const char* year : {"2001", "2002", "2003"}) {
    fakes::write_file(directory.path() + "/drainer-" + year + "-01-01T00-00-00.000.log", "x");
  }
  (void)open_file({.path = path, .backups_max = 2});
  CHECK(names_in(directory.path()).size() == kept.size() + 3);
  CHECK_FALSE(fs::exists(directory.path() + "/drainer-2001-01-01T00-00-00.000.log"));
  (void)open_file({.path = path, .days_max = 7});
  CHECK(names_in(directory.path()).size() == kept.size() + 1);
}

TEST_CASE("log file: opened again it goes on under its name") {
  const fakes::TempDir directory("log");
  const std::string path = directory.path() + "/drainer.log";
  const auto file = open_file({.path = path});
  REQUIRE(file->write("before\n"));
  fs::rename(path, path + ".1");
  REQUIRE(file->write("still before\n"));
  REQUIRE(file->reopen().ok());
  REQUIRE(file->write("after\n"));
  CHECK(fakes::read_file(path + ".1") == "before\nstill before\n");
  CHECK(fakes::read_file(path) == "after\n");
}

TEST_CASE("log file: one that was removed from outside is begun again when it would be full") {
  const fakes::TempDir directory("log");
  const std::string path = directory.path() + "/drainer.log";
  const auto file = open_file({.path = path, .bytes_max = 10});
  REQUIRE(file->write("before\n"));
  fs::remove(path);
  REQUIRE(file->write("after\n"));
  CHECK(fakes::read_file(path) == "after\n");
}

TEST_CASE("log file: a full disk costs lines, not the program") {
  const auto file = open_file({.path = "/dev/full"});
  CHECK_FALSE(file->write("lost\n"));
  CHECK_FALSE(file->write("lost too\n"));
}

TEST_CASE("log: whatever bytes it is given, a line can be read back") {
  std::mt19937 random(5);
  const auto text_of = [&](size_t length_max) {
    std::string out(random() % length_max, '\0');
    // Bytes that matter come more often than by chance.
    constexpr std::string_view kNasty = "\"\\[]= \n\r\t\x01\x1f\x7f\xc3\xa9\xff";
    for (char& c : out) {
      c = random() % 2 == 0 ? kNasty[random() % kNasty.size()]
                            : static_cast<char>(33 + random() % 94);
    }
    return out;
  };
  // Broken UTF-8 is replaced: such texts are compared by what can be read of them.
  const auto ascii_of = [](const std::string& text) {
    std::string out;
    for (const char c : text) {
      if (static_cast<unsigned char>(c) < 0x80) out += c;
    }
    return out;
  };
  for (int i = 0; i < 2000; ++i) {
    const std::string message = "m" + text_of(20);
    const std::string key = "k" + text_of(8);
    const std::string value = text_of(40);
    const std::string line =
        format_log_line(LogLevel::kInfo, message, {{key, value}, {"end", 1}}, "/a/file.cpp", 7);
    INFO(line);
    CHECK(line.find('\n') == std::string::npos);
    const auto parsed = fakes::parse_log_line("[2026/11/21 05:11:51.767 +00:00] " + line);
    REQUIRE(parsed.has_value());
    CHECK(parsed->level == "INFO");
    CHECK(parsed->caller == "file.cpp:7");
    CHECK(ascii_of(parsed->message) == ascii_of(message));
    REQUIRE(parsed->fields.size() == 2);
    CHECK(ascii_of(parsed->fields[0].first) == ascii_of(key));
    CHECK(ascii_of(parsed->fields[0].second) == ascii_of(value));
    CHECK(parsed->field("end") == "1");
  }
}

TEST_CASE("log: the grammar refuses what is no line of it") {
  const std::string time = "[2026/11/21 05:11:51.767 +00:00] ";
  CHECK(fakes::parse_log_line(time + "[INFO] [a.go:1] [m] [k=v]").has_value());
  CHECK(fakes::parse_log_line(time + "[INFO] [a.go:1]").has_value());
  for (const char* bad :
       {"[INFO] [a.go:1] [m] [k=v] ", "[LOUD] [a.go:1] [m]", "[INFO] [a.go] [m]",
        "[INFO] [a.go:1] [m n]", "[INFO] [a.go:1] [\"m\"]", "[INFO] [a.go:1] [m] [n]",
        "[INFO] [a.go:1] [m] [k=\"a\\x\"]", "[INFO] [a.go:1] m"}) {
    INFO(bad);
    CHECK_FALSE(fakes::parse_log_line(time + bad).has_value());
  }
}
