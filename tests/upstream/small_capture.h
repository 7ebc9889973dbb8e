#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/upstream/capture.h"

namespace drainer::upstream {

/// A transaction, fake or DDL of a small capture.
struct SmallRecord {
  size_t pump = 0;
  int64_t start_ts = 0;
  int64_t commit_ts = 0;
  int64_t ddl_job_id = 0;
  Bytes prewrite_value{};
};

/// A capture made up by a test, written to a directory of its own and removed with it. One thread.
class SmallCapture {
 public:
  static constexpr uint64_t kClusterId = 12345;
  static constexpr int64_t kFromTs = int64_t{1000} << 18;
  static constexpr int64_t kMetaTs = int64_t{2000} << 18;

  /// The n-th millisecond after from_ts.
  static constexpr int64_t ts(int64_t ms) { return kFromTs + (ms << 18); }

  SmallCapture();
  ~SmallCapture();
  SmallCapture(const SmallCapture&) = delete;
  SmallCapture& operator=(const SmallCapture&) = delete;

  void add(SmallRecord record) { records_.push_back(std::move(record)); }
  /// One-row transactions, one per millisecond, alternating between two pumps; no DDL.
  void add_transactions(int64_t count);
  /// A key of the metadata from `from_ts` on, or only at meta_ts.
  void add_meta(const Bytes& key, const Bytes& value, bool at_from);

  /// Writes the files; the records of each pump sorted by commit ts, a fake beyond the end last.
  std::string write() const;

 private:
  std::filesystem::path directory_;
  std::vector<SmallRecord> records_;
  KeyValues meta_from_;
  KeyValues meta_;
};

/// A Binlog as a pump sends it.
Bytes make_binlog(const SmallRecord& record);

}  // namespace drainer::upstream
