#pragma once

#include <memory>
#include <span>
#include <string>

#include "conf/options.h"
#include "drainer/base/result.h"
#include "drainer/tidb/time_zone.h"
#include "syncer/kafka/ddl_event.h"
#include "syncer/kafka/event_table.h"
#include "syncer/txn.h"

namespace drainer::kafka {

/// What a JSON format depends on. Plain data.
struct EventFormatOptions {
  const tidb::TimeZone* zone = nullptr;  ///< of TIMESTAMPs; outlives the format
  /// Watermarks; canal-json: also `_tidb`; debezium: also TiDB's members in the schemas.
  bool tidb_extension = false;
  std::string cluster_id;  ///< debezium
};

/// One of the JSON formats (spec/kafka-and-file-sinks.md 5.3, 5.5): the bytes of events. All
/// functions append. One thread.
class EventFormat {
 public:
  virtual ~EventFormat() = default;

  /// `rows` are of one table and kind, and have the key of the first; canal-json takes several.
  virtual Result<void> append_rows(std::string& out, std::span<const RowEvent> rows,
                                   int64_t now_ms) = 0;
  virtual bool takes_many_rows() const { return false; }
  virtual void append_ddl(std::string& out, const DdlEvent& ddl, int64_t now_ms) = 0;
  /// The message key of a DDL; false: none.
  virtual bool append_ddl_key(std::string& /*out*/, const DdlEvent& /*ddl*/) { return false; }
  /// DDL goes to all partitions of its topic, as watermarks do; else to the first.
  virtual bool sends_ddl_to_all_partitions() const { return false; }
  /// False: this format has none, or was not asked for them.
  virtual bool append_watermark(std::string& out, CommitTs ts, int64_t now_ms) = 0;
  /// The message key of a watermark; false: none.
  virtual bool append_watermark_key(std::string& /*out*/) { return false; }
  /// Border of a transaction in one partition: `rows` of it are sent there.
  virtual void append_marker(std::string& out, const Txn& txn, bool is_end, size_t rows,
                             int64_t now_ms) = 0;
  /// The message key of a row that the format itself wants; false: none.
  virtual Result<bool> append_key(std::string& out, const RowEvent& row) = 0;
  /// Tables may have changed.
  virtual void forget_tables() {}
};

std::unique_ptr<EventFormat> make_canal_json(EventFormatOptions options);
std::unique_ptr<EventFormat> make_debezium(EventFormatOptions options);

}  // namespace drainer::kafka
