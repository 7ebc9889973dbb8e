#pragma once

#include <map>
#include <string>
#include <vector>

#include "conf/load.h"
#include "tests/fakes/process.h"

namespace drainer::test {

/// Writes a file; its path.
std::string write(const fakes::TempDir& directory, const std::string& name,
                  const std::string& text);

/// What a user gives to one start of the program.
struct Given {
  std::string file = {};  ///< text of the file of -config; empty: no -config
  std::vector<std::string> flags = {};
  std::map<std::string, std::string> environment = {};
};

/// The whole way from argv to Options.
Result<std::variant<Options, PrintAndExit>> load(const Given& given);

/// load() where it must succeed.
Options options_of(const Given& given);

/// The lines of the error where load() must fail. In them the path of the file is "FILE".
std::vector<std::string> problems_of(const Given& given);

/// The first of them.
std::string problem_of(const Given& given);

}  // namespace drainer::test
