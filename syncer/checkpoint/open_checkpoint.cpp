#include "syncer/checkpoint/open_checkpoint.h"

#include <utility>

#include "drainer/base/crc32c.h"
#include "syncer/checkpoint/file_checkpoint.h"
#include "syncer/checkpoint/table_checkpoint.h"
#include "syncer/mysql/progress_table.h"

namespace drainer {
namespace {

constexpr std::string_view kDefaultSchema = "tidb_binlog";
constexpr std::string_view kDefaultTable = "checkpoint";
constexpr std::chrono::seconds kReadTimeout{60};
/// What servers take: 64 characters.
constexpr size_t kTableNameBytesMax = 64;

mysql::SessionOptions session_options(const Options& options) {
  const DownstreamOptions& to = options.syncer.to;
  const CheckpointOptions& own = to.checkpoint;
  if (own.type.empty()) {
    return {.host = to.host,
            .port = to.port,
            .user = to.user,
            .password = to.password,
            .security = to.security,
            .read_timeout = kReadTimeout,
            .variables = {}};
  }
  return {.host = own.host.empty() ? "127.0.0.1" : own.host,
          .port = own.port == 0 ? uint16_t{3306} : own.port,
          .user = own.user.empty() ? "root" : own.user,
          .password = own.password,
          .security = own.security,
          .read_timeout = kReadTimeout,
          .variables = {}};
}

}  // namespace

schema::TableName checkpoint_table(const Options& options) {
  const CheckpointOptions& own = options.syncer.to.checkpoint;
  const bool is_default = own.type.empty() || own.table.empty();
  return {own.schema.empty() ? std::string(kDefaultSchema) : own.schema,
          is_default ? std::string(kDefaultTable) : own.table};
}

schema::TableName progress_table(const Options& options) {
  const auto [schema, table] = checkpoint_table(options);
  std::string name(mysql::kProgressTableName);
  if (table != kDefaultTable) name += "_" + table;
  // A long name is cut so that it stays one of its own.
  if (name.size() > kTableNameBytesMax) {
    name = fmt::format("{}_{:08x}", name.substr(0, kTableNameBytesMax - 9), crc32c(name));
  }
  return {schema, name};
}

Result<std::unique_ptr<Checkpoint>> open_checkpoint(const Options& options, uint64_t cluster_id,
                                                    Clock& clock) {
  const std::string& type = options.syncer.to.checkpoint.type;
  const bool is_table = is_database(type.empty() ? options.syncer.db_type : type);
  if (!is_table) {
    // FIX: `file` is in the manual, the original refuses it.
    if (!type.empty() && type != "file") {
      return make_error(ErrorCode::kInvalid, "unknown checkpoint type: {}", type);
    }
    return std::unique_ptr<Checkpoint>(
        std::make_unique<FileCheckpoint>(options.data_dir + "/savepoint"));
  }
  auto table = TableCheckpoint::open({.session = session_options(options),
                                      .schema = checkpoint_table(options).schema,
                                      .table = checkpoint_table(options).table,
                                      .cluster_id = cluster_id},
                                     clock);
  if (!table.ok()) {
    return std::move(table).error().because("initialize {} type checkpoint",
                                            type.empty() ? options.syncer.db_type : type);
  }
  return std::unique_ptr<Checkpoint>(std::move(table).value());
}

}  // namespace drainer
