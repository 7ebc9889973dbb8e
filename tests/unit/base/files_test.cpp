#include "drainer/base/files.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include <catch2/catch.hpp>

#include "drainer/base/file_descriptor.h"
#include "tests/fakes/process.h"

using namespace drainer;
namespace fs = std::filesystem;

namespace {

// What replace_file() writes.
std::function<Result<void>(int fd)> text(std::string content) {
  return [content = std::move(content)](int fd) -> Result<void> {
    if (!write_all(fd, content)) return file_error("write", "it");
    return {};
  };
}

size_t file_count(const std::string& directory) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("files: one is replaced as a whole, nothing is left beside it") {
  const fakes::TempDir directory("files");
  const std::string path = directory.path() + "/a";
  REQUIRE(replace_file(path, text(std::string(100'000, 'x'))).ok());
  CHECK(read_file(path).value() == std::string(100'000, 'x'));
  REQUIRE(replace_file(path, text("two")).ok());
  CHECK(read_file(path).value() == "two");
  CHECK(read_file(path, 2).value() == "tw");
  CHECK(file_count(directory.path()) == 1);
}

TEST_CASE("files: what cannot be written leaves the old one") {
  const fakes::TempDir directory("files");
  const std::string path = directory.path() + "/a";
  fakes::write_file(path, "old");
  // Left by a crash.
  fakes::write_file(path + ".tmp", "longer than what comes now");
  const Result<void> written = replace_file(
      path, [](int) -> Result<void> { return make_error(ErrorCode::kUnavailable, "full"); });
  CHECK(written.error().text() == "full");
  CHECK(read_file(path).value() == "old");
  CHECK(file_count(directory.path()) == 1);
}

TEST_CASE("files: errors name what was done, the path and the system's reason") {
  const fakes::TempDir directory("files");
  const std::string absent = directory.path() + "/absent";
  const Result<Bytes> opened = read_file(absent);
  CHECK(opened.error().text() == "open " + absent + ": No such file or directory");
  CHECK(opened.error().detail() == ENOENT);
  CHECK(read_file(directory.path()).error().text() ==
        "read " + directory.path() + ": Is a directory");
  CHECK(replace_file(absent + "/a", text("")).error().text() ==
        "create " + absent + "/a.tmp: No such file or directory");
  fs::create_directory(directory.path() + "/taken");
  CHECK(replace_file(directory.path() + "/taken", text("")).error().text() ==
        "rename " + directory.path() + "/taken.tmp: Is a directory");
  CHECK(sync_directory(absent).error().text() == "open " + absent + ": No such file or directory");
  CHECK(sync_directory("").ok());
}
