#include "drainer/schema/schema_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "drainer/schema/schema_codec.h"

namespace drainer::schema {

namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

Error io_error(std::string_view what, const std::string& path) {
  return make_error(ErrorCode::kUnavailable, "{} {}: {}", what, path, std::strerror(errno));
}

Result<void> sync_directory_of(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  const int fd = ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return io_error("open", directory);
  const bool is_synced = ::fsync(fd) == 0;
  ::close(fd);
  if (!is_synced) return io_error("sync", directory);
  return {};
}

Result<void> write_file(const std::string& path, uint64_t cluster_id, const SchemaImage& image) {
  const File file(std::fopen(path.c_str(), "wbe"));
  if (!file) return io_error("create", path);
  TRY(encode_schema(image, cluster_id, [&](ByteView bytes) -> Result<void> {
    if (std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size()) return {};
    return io_error("write", path);
  }));
  if (std::fflush(file.get()) != 0 || ::fsync(::fileno(file.get())) != 0) {
    return io_error("sync", path);
  }
  return {};
}

}  // namespace

std::string schema_store_path(const std::string& data_dir) {
  return data_dir + "/schema.store";
}

Result<void> write_schema_store(const std::string& path, uint64_t cluster_id,
                                const SchemaImage& image) {
  const std::string temporary = path + ".tmp";
  Result<void> written = write_file(temporary, cluster_id, image);
  if (written.ok() && std::rename(temporary.c_str(), path.c_str()) != 0) {
    written = io_error("rename", temporary);
  }
  if (!written.ok()) {
    (void)std::remove(temporary.c_str());
    return written;
  }
  return sync_directory_of(path);
}

Result<std::optional<SchemaImage>> read_schema_store(const std::string& path, uint64_t cluster_id) {
  const File file(std::fopen(path.c_str(), "rbe"));
  if (!file && errno == ENOENT) return std::optional<SchemaImage>();
  if (!file) return io_error("open", path);
  Result<SchemaImage> image =
      decode_schema(cluster_id, [&](char* buffer, size_t wanted) -> Result<size_t> {
        const size_t got = std::fread(buffer, 1, wanted, file.get());
        if (got < wanted && std::ferror(file.get()) != 0) return io_error("read", path);
        return got;
      });
  if (!image.ok()) return std::move(image).error().because("schema store {}", path);
  return std::optional<SchemaImage>(*std::move(image));
}

}  // namespace drainer::schema
