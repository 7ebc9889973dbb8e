#include "tests/unit/server/recorded.h"

#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

namespace drainer::test {

std::optional<std::string> recorded(const std::string& name) {
  const std::string path = "/work/shared/captures/go-drainer/" + name;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    WARN("skipped: " << path << " is absent");
    return std::nullopt;
  }
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string body_of(const std::string& http_answer) {
  const size_t end = http_answer.find("\r\n\r\n");
  REQUIRE(end != std::string::npos);
  return http_answer.substr(end + 4);
}

}  // namespace drainer::test
