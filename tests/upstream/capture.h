#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drainer/base/bytes.h"
#include "drainer/base/ids.h"
#include "drainer/base/result.h"

namespace drainer::upstream {

/// One payload of a recorded PullBinlogs stream: where it lies and what the simulator needs of it.
struct Record {
  ByteView payload;  ///< a serialized Binlog; views the Tape
  int64_t start_ts = 0;
  int64_t commit_ts = 0;
  int64_t ddl_job_id = 0;

  bool is_fake() const { return start_ts == commit_ts; }
};

/// What one pump sent, in order: rising commit ts. Owns the bytes.
struct Tape {
  std::unique_ptr<const Bytes> frames;  ///< the file, unpacked; does not move with the Tape
  std::vector<Record> records;
};

using KeyValues = std::vector<std::pair<Bytes, Bytes>>;

/// A recorded cluster: the files of a capture directory (captures/README.md). Immutable once
/// loaded.
struct Capture {
  uint64_t cluster_id = 0;
  CommitTs from_ts;
  CommitTs until_ts;
  CommitTs meta_ts;
  std::vector<Tape> tapes;  ///< pump-1.stream[.gz], pump-2.stream[.gz], …
  KeyValues meta_from;      ///< keys m…n as read at from_ts
  KeyValues meta;           ///< the same as read at meta_ts
};

Result<Capture> load_capture(const std::string& directory);

/// The ts pair and job id of a serialized Binlog.
Result<Record> parse_record(ByteView payload);

}  // namespace drainer::upstream
