#include "syncer/checkpoint/file_checkpoint.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#define TOML_HEADER_ONLY 0
#include <toml++/toml.h>

#include "drainer/base/files.h"

namespace drainer {
namespace {

Result<SavePoint> parse_toml(const std::string& content, const std::string& path) {
  toml::table table;
  try {
    table = toml::parse(std::string_view(content), std::string_view(path));
  } catch (const toml::parse_error& e) {
    return make_error(ErrorCode::kCorrupt, "save point {} line {}: {}", path, e.source().begin.line,
                      e.description());
  }
  SavePoint point;
  for (const auto& [key, node] : table) {
    // Keys are compared without case, as the Go program's reader does.
    const std::string name(key.str());
    const auto is = [&](const char* wanted) { return strcasecmp(name.c_str(), wanted) == 0; };
    const bool is_known = is("consistent") || is("commitTS") || is("schema-version");
    if (is("consistent") && node.is_boolean()) {
      point.consistent = node.as_boolean()->get();
    } else if (is("commitTS") && node.is_integer() && node.as_integer()->get() >= 0) {
      point.commit_ts = CommitTs(node.as_integer()->get());
    } else if (is("schema-version") && node.is_integer()) {
      point.schema_version = SchemaVersion(node.as_integer()->get());
    } else if (is_known) {
      return make_error(ErrorCode::kCorrupt,
                        "save point {}: {} is of another type, or negative; restore the file, or "
                        "remove it and give -initial-commit-ts",
                        path, name);
    }
  }
  return point;
}

}  // namespace

Result<void> FileCheckpoint::lock() {
  if (lock_) return {};
  const std::string path = path_ + ".lock";
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  // Without the directory there is nothing to share; save() will say so.
  if (!fd) return errno == ENOENT ? Result<void>() : file_error("open", path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return file_error("lock", path);
    return make_error(ErrorCode::kConflict,
                      "save point {}: another drainer has it; give each a data-dir of its own",
                      path_);
  }
  lock_ = std::move(fd);
  return {};
}

Result<std::optional<SavePoint>> FileCheckpoint::load() {
  TRY(lock());
  Result<Bytes> content = read_file(path_);
  if (!content.ok()) {
    if (content.error().detail() == ENOENT) return std::optional<SavePoint>();
    return std::move(content).error();
  }
  ASSIGN_OR_RETURN(SavePoint point, parse_toml(*content, path_));
  return std::optional<SavePoint>(std::move(point));
}

Result<void> FileCheckpoint::save(const SavePoint& point, const StopToken& /*stop*/) {
  TRY(lock());
  const std::string content =
      fmt::format("consistent = {}\ncommitTS = {}\nschema-version = {}\n", point.consistent,
                  point.commit_ts.value, point.schema_version.value);
  return replace_file(path_, [&](int fd) -> Result<void> {
    if (!write_all(fd, content)) return file_error("write", path_);
    // KEEP: whatever the umask is.
    if (::fchmod(fd, 0644) != 0) return file_error("chmod", path_);
    return {};
  });
}

}  // namespace drainer
