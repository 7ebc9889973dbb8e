#include "drainer/progress_name.h"

#include <string>

#include "drainer/base/crc32c.h"
#include "syncer/checkpoint/open_checkpoint.h"
#include "syncer/mysql/progress_table.h"

#include <fmt/format.h>

namespace drainer {
namespace {

/// What servers take: 64 characters.
constexpr size_t kTableNameBytesMax = 64;

}  // namespace

schema::TableName progress_table(const Options& options) {
  const std::string checkpoint = checkpoint_table(options);
  std::string name(mysql::kProgressTableName);
  if (checkpoint != kDefaultCheckpointTable) name += "_" + checkpoint;
  // A long name is cut so that it stays one of its own.
  if (name.size() > kTableNameBytesMax) {
    name = fmt::format("{}_{:08x}", name.substr(0, kTableNameBytesMax - 9), crc32c(name));
  }
  return {checkpoint_schema(options), name};
}

}  // namespace drainer
