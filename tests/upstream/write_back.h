#pragma once

#include <map>
#include <memory>
#include <string>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "drainer/proto/binlog.pb.h"
#include "tests/upstream/binlog_file.h"
#include "tests/upstream/live_catalog.h"
#include "tests/upstream/live_feed.h"
#include "tests/upstream/mvcc.h"

namespace drainer::upstream {

/// Makes a cluster of a MariaDB server: what its binary log says becomes TiDB Binlogs, in the order
/// in which the server committed it, whoever wrote it; DDL becomes jobs in the history.
///
/// An UPDATE of an integer primary key becomes DeleteRow and Insert, as in TiDB. One thread.
class WriteBack {
 public:
  struct Options {
    std::string binlog_path;  ///< of the first file
    uint16_t port = 0;        ///< of the server, on 127.0.0.1, user root without password
  };
  /// All must outlive it.
  static Result<std::unique_ptr<WriteBack>> open(const Options& options, LiveFeed& feed,
                                                 MvccStore& mvcc, Clock& clock);

  /// Until `stop`, or the first event that it does not understand.
  Result<void> run(const StopToken& stop);

 private:
  WriteBack(const Options& options, std::unique_ptr<mysql::Session> session, LiveFeed& feed,
            MvccStore& mvcc, Clock& clock);

  Result<void> handle(const BinlogEvent& event);
  Result<void> handle_query(ByteView body);
  Result<void> handle_rows(const BinlogEvent& event);
  void add_rows(EventType type, const LiveTable& table, const std::vector<DatumRow>& rows);
  void add_update(const LiveTable& table, const DatumRow& old_row, const DatumRow& new_row);
  binlog::TableMutation& mutation_of(const LiveTable& table);
  void commit();
  void publish(const LiveJob& job);

  BinlogFile file_;
  const std::unique_ptr<mysql::Session> session_;
  LiveFeed& feed_;
  MvccStore& mvcc_;
  LiveCatalog catalog_;
  std::map<uint64_t, TableMap> maps_;
  binlog::PrewriteValue open_;  ///< of the transaction being read
  int64_t last_row_id_ = 0;
};

}  // namespace drainer::upstream
