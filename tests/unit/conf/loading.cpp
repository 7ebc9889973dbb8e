#include "tests/unit/conf/loading.h"

#include <catch2/catch.hpp>

#include <sstream>

namespace drainer::test {

std::string write(const fakes::TempDir& directory, const std::string& name,
                  const std::string& text) {
  const std::string path = directory.path() + "/" + name;
  fakes::write_file(path, text);
  return path;
}

namespace {

Result<std::variant<Options, PrintAndExit>> load_in(const fakes::TempDir& directory,
                                                    const Given& given) {
  std::vector<std::string> arguments = given.flags;
  if (!given.file.empty()) {
    arguments.insert(arguments.begin(), {"-config", write(directory, "drainer.toml", given.file)});
  }
  return load_options(arguments, [&](std::string_view name) -> std::optional<std::string> {
    const auto found = given.environment.find(std::string(name));
    if (found == given.environment.end()) return std::nullopt;
    return found->second;
  });
}

}  // namespace

Result<std::variant<Options, PrintAndExit>> load(const Given& given) {
  const fakes::TempDir directory("conf");
  return load_in(directory, given);
}

Options options_of(const Given& given) {
  auto loaded = load(given);
  INFO((loaded.ok() ? std::string() : loaded.error().to_string()));
  REQUIRE(loaded.ok());
  REQUIRE(std::holds_alternative<Options>(*loaded));
  return std::get<Options>(*loaded);
}

std::vector<std::string> problems_of(const Given& given) {
  const fakes::TempDir directory("conf");
  const auto loaded = load_in(directory, given);
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.error().code() == ErrorCode::kInvalid);
  std::vector<std::string> out;
  std::istringstream lines(loaded.error().to_string());
  for (std::string line; std::getline(lines, line);) {
    const std::string path = directory.path() + "/drainer.toml";
    if (const size_t at = line.find(path); at != std::string::npos) {
      line.replace(at, path.size(), "FILE");
    }
    out.push_back(line);
  }
  return out;
}

std::string problem_of(const Given& given) {
  return problems_of(given).front();
}

}  // namespace drainer::test
