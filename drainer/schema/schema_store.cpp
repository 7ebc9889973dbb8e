#include "drainer/schema/schema_store.h"

#include <cerrno>
#include <cstdio>
#include <memory>

#include "drainer/base/files.h"
#include "drainer/schema/schema_codec.h"

namespace drainer::schema {

namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

}  // namespace

std::string schema_store_path(const std::string& data_dir) {
  return data_dir + "/schema.store";
}

Result<void> write_schema_store(const std::string& path, uint64_t cluster_id,
                                const SchemaImage& image) {
  return replace_file(path, [&](int fd) {
    return encode_schema(image, cluster_id, [&](ByteView bytes) -> Result<void> {
      if (!write_all(fd, bytes)) return file_error("write", path);
      return {};
    });
  });
}

Result<std::optional<SchemaImage>> read_schema_store(const std::string& path, uint64_t cluster_id) {
  const File file(std::fopen(path.c_str(), "rbe"));
  if (!file && errno == ENOENT) return std::optional<SchemaImage>();
  if (!file) return file_error("open", path);
  Result<SchemaImage> image =
      decode_schema(cluster_id, [&](char* buffer, size_t wanted) -> Result<size_t> {
        const size_t got = std::fread(buffer, 1, wanted, file.get());
        if (got < wanted && std::ferror(file.get()) != 0) return file_error("read", path);
        return got;
      });
  if (!image.ok()) return std::move(image).error().because("schema store {}", path);
  return std::optional<SchemaImage>(*std::move(image));
}

}  // namespace drainer::schema
