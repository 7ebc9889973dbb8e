#include "tests/integration/expected_messages.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>

#include "syncer/file/record.h"
#include "tests/fakes/process.h"

namespace drainer::integration {

std::optional<ExpectedMessages> load_kafka_messages(const std::string& directory) {
  const std::string path = directory + "/expected.kafka.msgs.gz";
  if (!std::filesystem::exists(path)) return std::nullopt;
  ExpectedMessages out;
  out.bytes = fakes::read_gzip(path);
  for (ByteView rest = out.bytes; rest.size() >= 4;) {
    const ByteView message = rest.substr(4, load_be32(rest.data()));
    out.messages.push_back(message);
    rest.remove_prefix(4 + message.size());
  }
  return out;
}

std::optional<ExpectedMessages> load_file_payloads(const std::string& directory) {
  const std::string path = directory + "/expected.file.tar.gz";
  if (!std::filesystem::exists(path)) return std::nullopt;
  constexpr size_t kBlock = 512;
  ExpectedMessages out;
  out.bytes = fakes::read_gzip(path);
  // ustar: a block with the name at 0 and the size in octal at 124, then the content in blocks.
  std::map<std::string, ByteView> files;
  for (ByteView rest = out.bytes; rest.size() >= kBlock && rest[0] != '\0';) {
    std::string name(rest.data(), strnlen(rest.data(), 100));
    const size_t size = std::strtoull(std::string(rest.substr(124, 12)).c_str(), nullptr, 8);
    name.erase(0, name.rfind('/') + 1);
    if (name.starts_with("binlog-")) files[name] = rest.substr(kBlock, size);
    rest.remove_prefix(std::min(rest.size(), kBlock + (size + kBlock - 1) / kBlock * kBlock));
  }
  for (const auto& [name, content] : files) (void)append_payloads(name, content, out.messages);
  return out;
}

bool append_payloads(const std::string& name, ByteView content, std::vector<ByteView>& out) {
  file::RecordReader reader(content);
  while (const std::optional<file::Record> record = reader.next()) out.push_back(record->payload);
  if (!reader.damage()) return true;
  std::printf("%s offset %lu: %s\n", name.c_str(), reader.damage()->offset,
              reader.damage()->reason.c_str());
  return false;
}

}  // namespace drainer::integration
