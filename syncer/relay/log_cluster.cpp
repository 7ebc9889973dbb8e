#include "syncer/relay/log_cluster.h"

#include <filesystem>
#include <system_error>

#include "drainer/base/files.h"
#include "drainer/base/parse_number.h"

namespace drainer::relay {

namespace {

constexpr size_t kSizeBytesMax = 64;

std::string path_in(const std::string& directory) {
  return directory + "/cluster-id";
}

}  // namespace

Result<std::optional<uint64_t>> find_log_cluster(const std::string& directory) {
  const std::string path = path_in(directory);
  std::error_code failure;
  if (!std::filesystem::exists(path, failure)) return std::optional<uint64_t>();
  ASSIGN_OR_RETURN(const Bytes text, read_file(path, kSizeBytesMax));
  const bool is_line = text.ends_with('\n');
  const auto id = parse_whole<uint64_t>(std::string_view(text).substr(0, text.size() - is_line));
  if (!is_line || !id) {
    return make_error(ErrorCode::kCorrupt, "{} holds no cluster id", path);
  }
  return id;
}

Result<void> note_log_cluster(const std::string& directory, uint64_t cluster_id) {
  const std::string path = path_in(directory);
  return replace_file(path, [&](int fd) -> Result<void> {
    if (!write_all(fd, fmt::format("{}\n", cluster_id))) return file_error("write", path);
    return {};
  });
}

}  // namespace drainer::relay
