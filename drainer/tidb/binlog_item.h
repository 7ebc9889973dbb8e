#pragma once

#include <memory>
#include <utility>

#include "drainer/base/bytes.h"
#include "drainer/base/ids.h"
#include "drainer/tidb/binlog_view.h"
#include "drainer/tidb/ddl_job.h"

namespace drainer::tidb {

/// One received binlog on its way from a pump to the syncer: buffer, views into it, DDL job if any.
///
/// Moving keeps the views valid: the buffer lives on the heap. One thread at a time.
class BinlogItem {
 public:
  /// Parses the binlog that lies in `buffer` from `offset` on, `length` bytes long; the item owns
  /// the whole buffer from then on (a pump's message is kept as it came, without a copy).
  static Result<BinlogItem> parse(Bytes buffer, size_t offset, size_t length);
  static Result<BinlogItem> parse(Bytes payload) {
    const size_t length = payload.size();
    return parse(std::move(payload), 0, length);
  }

  const BinlogView& binlog() const { return view_; }
  ByteView payload() const { return payload_; }
  size_t size_bytes() const { return buffer_->size(); }
  /// When it came from the pump; 0 where nobody has noted it.
  int64_t received_unix_ms() const { return received_unix_ms_; }
  void set_received_unix_ms(int64_t unix_ms) { received_unix_ms_ = unix_ms; }

  /// Set by the collector for DDL binlogs.
  const std::shared_ptr<const DdlJob>& ddl_job() const { return ddl_job_; }
  void set_ddl_job(std::shared_ptr<const DdlJob> job) { ddl_job_ = std::move(job); }

 private:
  BinlogItem(std::unique_ptr<const Bytes> buffer, ByteView payload, const BinlogView& view)
      : buffer_(std::move(buffer)), payload_(payload), view_(view) {}

  std::unique_ptr<const Bytes> buffer_;
  ByteView payload_;
  BinlogView view_;
  std::shared_ptr<const DdlJob> ddl_job_;
  int64_t received_unix_ms_ = 0;
};

}  // namespace drainer::tidb
