#include "syncer/checkpoint/open_checkpoint.h"

#include <utility>

#include "syncer/checkpoint/file_checkpoint.h"
#include "syncer/checkpoint/table_checkpoint.h"

namespace drainer {
namespace {

constexpr std::string_view kDefaultSchema = "tidb_binlog";
constexpr std::chrono::seconds kReadTimeout{60};

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

std::string checkpoint_schema(const Options& options) {
  const std::string& schema = options.syncer.to.checkpoint.schema;
  return schema.empty() ? std::string(kDefaultSchema) : schema;
}

std::string checkpoint_table(const Options& options) {
  const CheckpointOptions& own = options.syncer.to.checkpoint;
  return std::string(own.type.empty() || own.table.empty() ? kDefaultCheckpointTable
                                                           : std::string_view(own.table));
}

Result<std::unique_ptr<Checkpoint>> open_checkpoint(const Options& options, uint64_t cluster_id,
                                                    Clock& clock) {
  const std::string& type = options.syncer.to.checkpoint.type;
  const bool is_table = is_database(type.empty() ? options.syncer.db_type : type);
  if (!is_table) {
    // FIX: `file` is in the manual, the original refuses it.
    if (!type.empty() && type != "file") {
      return make_error(ErrorCode::kInvalid,
                        "unknown checkpoint type: {}: one of mysql, tidb, file", type);
    }
    return std::unique_ptr<Checkpoint>(
        std::make_unique<FileCheckpoint>(options.data_dir + "/savepoint"));
  }
  auto table = TableCheckpoint::open({.session = session_options(options),
                                      .schema = checkpoint_schema(options),
                                      .table = checkpoint_table(options),
                                      .cluster_id = cluster_id},
                                     clock);
  if (!table.ok()) {
    return std::move(table).error().because("initialize {} type checkpoint",
                                            type.empty() ? options.syncer.db_type : type);
  }
  return std::unique_ptr<Checkpoint>(std::move(table).value());
}

}  // namespace drainer
