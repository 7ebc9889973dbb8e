#include "drainer/downstream_progress.h"

#include <memory>
#include <string>
#include <utility>

#include "drainer/base/crc32c.h"
#include "syncer/checkpoint/open_checkpoint.h"
#include "syncer/mysql/session/downstream.h"

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

Result<std::optional<mysql::ProgressTable::Previous>> find_progress(const Options& options,
                                                                    uint64_t cluster_id) {
  ASSIGN_OR_RETURN(const std::unique_ptr<mysql::Session> session,
                   mysql::Session::open(mysql::base_session_options(options.syncer.to)));
  const mysql::ProgressTable table(
      {.table = progress_table(options), .cluster_id = cluster_id, .owner = {}});
  return table.find(*session);
}

Result<std::vector<KeptProgress>> find_all_progress(const Options& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<mysql::Session> session,
                   mysql::Session::open(mysql::base_session_options(options.syncer.to)));
  const schema::TableName name = progress_table(options);
  ASSIGN_OR_RETURN(const std::vector<uint64_t> ids, mysql::ProgressTable::find_all(*session, name));
  std::vector<KeptProgress> out;
  for (const uint64_t id : ids) {
    const mysql::ProgressTable table({.table = name, .cluster_id = id, .owner = {}});
    ASSIGN_OR_RETURN(auto progress, table.find(*session));
    if (progress) out.push_back({id, std::move(*progress)});
  }
  return out;
}

}  // namespace drainer
