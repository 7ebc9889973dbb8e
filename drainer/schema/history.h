#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "drainer/schema/schema.h"
#include "drainer/schema/schema_image.h"

namespace drainer::schema {

/// Where the stream starts: everything up to commit_ts has been applied downstream.
struct HistoryStart {
  CommitTs commit_ts;
  SchemaVersion schema_version;  ///< of the checkpoint; 0 if it has none
  /// Databases that were dropped more than a week before another job may come back, too. Costs the
  /// memory of their tables.
  bool keeps_dropped = false;
};

/// Rows and binlogs that come are not later than this: TiDB keeps no transaction so long.
inline constexpr int64_t kLateMsMax = int64_t{24} * 3600 * 1000;

/// Builds the schema at the start of the stream from TiDB's job history (spec/schema-and-ddl.md
/// 2.9, loader A).
///
/// A job lies before the start if its version is not above the checkpoint's, or if it was stored in
/// the history up to the start's commit ts: TiDB commits a job's binlog before it stores the job.
/// All others stay pending in the Schema, which applies them when their version or their binlog
/// comes. So is a job whose binlog was committed before the start and that was stored just after
/// it: the first row of its version brings it in. The version says nothing about multi-schema
/// changes, whose binlogs come after rows of it (3.4): executed once more, they are ignored as
/// already done.
///
/// The result does not depend on the order of jobs. Memory does: with rising job ids, as TiKV gives
/// them, it holds the descriptions of live tables and some hundred bytes per job. One thread.
class HistoryLoader {
 public:
  explicit HistoryLoader(HistoryStart start) : start_(start), schema_(std::make_unique<Schema>()) {}
  /// Goes on from an image that is not newer than `start`: only the jobs that it does not know are
  /// to be added. `image.known_jobs` may be moved away.
  HistoryLoader(HistoryStart start, const SchemaImage& image);

  /// One entry of the history.
  Result<void> add(DdlJobId id, ByteView json);

  /// Jobs that contradict what came before them are logged and left out, so that an odd history
  /// stops nothing but rows of the tables concerned. kConflict instead when there is an image: it
  /// may be the image that is wrong.
  Result<std::unique_ptr<Schema>> finish() &&;

  size_t job_count() const { return job_count_; }
  /// A database came back whose tables have been let go of: the history has to be read once more,
  /// with `keeps_dropped`.
  bool needs_dropped() const { return needs_dropped_; }

 private:
  using InfoPtr = std::shared_ptr<const tidb::TableInfo>;
  /// A table info as JSON until it is parsed; empty when no live table can need it.
  struct Description {
    Bytes json;
    InfoPtr info;
    DdlJobId job_id;  ///< where it comes from
    int64_t finished_ts = 0;
  };
  // What is kept of a table info: enough to follow ids and names.
  struct FoldedTable {
    TableId id;
    std::string name;
    std::vector<int64_t> partition_ids;
    bool is_view;
    std::shared_ptr<Description> description;
  };
  struct FoldedJob {
    DdlJobId id;
    tidb::DdlType type;
    SchemaVersion version;
    int64_t finished_ts;
    SchemaId schema_id;
    TableId table_id;
    std::string query;          // where it says more than the rest
    std::string database_name;  // of db_info
    bool has_table_info;        // else `tables` are multiple_table_infos
    std::vector<FoldedTable> tables;
  };
  struct Payload {
    SchemaVersion version;
    SchemaId schema_id;
    std::shared_ptr<Description> description;
  };
  struct DroppedDatabase {
    int64_t finished_ts;
    SchemaId schema_id;
    SchemaVersion version;
  };
  struct PendingJob {
    tidb::DdlJob outline;
    Bytes json;
  };

  bool lies_before_start(const tidb::DdlJob& job) const;
  Result<void> apply_folded();
  void parse_kept();
  Result<void> fold(const tidb::DdlJobOutline& outline);
  static Result<FoldedTable> fold_table(ByteView json, const tidb::DdlJob& job);
  void keep_payloads(const FoldedJob& job);
  void keep(const FoldedTable& table, const FoldedJob& job);
  void discard(TableId id, SchemaVersion up_to);
  void discard_dropped_databases(int64_t now_ts);
  std::shared_ptr<const tidb::DdlJob> unfold(FoldedJob& job);
  Result<InfoPtr> describe(const InfoPtr& outline);

  const HistoryStart start_;
  size_t job_count_ = 0;
  std::vector<FoldedJob> folded_;
  std::vector<PendingJob> pending_;
  std::unordered_map<TableId, std::vector<Payload>> payloads_;  ///< the newest two, newest first
  std::unordered_map<SchemaId, std::unordered_set<TableId>> tables_of_schema_;
  std::deque<DroppedDatabase> dropped_databases_;
  std::unordered_set<SchemaId> discarded_databases_;
  bool needs_dropped_ = false;
  /// What is behind each outline that unfold() has made.
  std::unordered_map<const tidb::TableInfo*, std::shared_ptr<Description>> descriptions_;
  /// Descriptions kept as JSON since the last parse_kept(), and their size.
  std::vector<std::shared_ptr<Description>> unparsed_;
  size_t unparsed_bytes_ = 0;
  std::unique_ptr<Schema> schema_;
  bool has_image_ = false;
};

/// Builds the schema at the start of the stream from a snapshot of TiDB's metadata as of the start
/// (loader B). `version` is the checkpoint's, 0 if it has none.
Result<std::unique_ptr<Schema>> load_snapshot(const tidb::SchemaSnapshot& snapshot,
                                              SchemaVersion version);

}  // namespace drainer::schema
