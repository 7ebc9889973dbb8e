#include "tests/fakes/words.h"

namespace drainer::fakes {

std::string word_after(const std::string& line, const std::string& prefix) {
  const size_t at = line.find(prefix);
  if (at == std::string::npos) return {};
  const size_t begin = at + prefix.size();
  return line.substr(begin, line.find(' ', begin) - begin);
}

std::string json_text(const std::string& json, const std::string& key) {
  const size_t at = json.find("\"" + key + "\"");
  if (at == std::string::npos) return {};
  const size_t begin = json.find('"', json.find(':', at)) + 1;
  return json.substr(begin, json.find('"', begin) - begin);
}

}  // namespace drainer::fakes
