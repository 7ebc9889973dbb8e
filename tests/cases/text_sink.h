#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "drainer/base/queue.h"
#include "syncer/mysql/rows/packet.h"
#include "syncer/mysql/rows/table_description.h"
#include "syncer/sink.h"

namespace drainer::cases {

/// The downstream table that has the columns and keys of an upstream one.
mysql::TableDescription describe_downstream(const tidb::TableInfo& table);

/// Writes what the MySQL sink would send, a line per statement, without the frame of the
/// transaction and the progress row. `-- rows: n` stands for the guard that makes a packet fail
/// unless the statement before it hits n rows. One thread.
class TextSink final : public Sink {
 public:
  struct Options {
    tidb::TimeZone zone;
    mysql::WriteMode mode = mysql::WriteMode::kExact;
    mysql::MissingColumns missing = mysql::MissingColumns::kFail;
    mysql::QuoteStyle style;
    /// Downstream tables that differ from the upstream's, by name.
    std::map<schema::TableName, mysql::TableDescription> downstream;
  };
  explicit TextSink(Options options) : options_(std::move(options)) {}

  void start(ThreadGroup&) override {}
  Result<void> submit(Txn txn, const StopToken& stop) override;
  void close() override {}
  std::optional<Applied> next_applied(const StopToken&) override { return std::nullopt; }
  CommitTs resume_from(CommitTs checkpoint) const override { return checkpoint; }
  const tidb::TimeZone& time_zone() const override { return options_.zone; }

  /// Statements by the commit ts of their transaction.
  const std::map<int64_t, std::vector<std::string>>& lines() const { return lines_; }

 private:
  Result<void> write_rows(const Txn& txn, std::vector<std::string>& lines);

  const Options options_;
  std::map<int64_t, std::vector<std::string>> lines_;
};

}  // namespace drainer::cases
