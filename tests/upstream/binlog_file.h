#pragma once

#include <string>

#include "drainer/base/bytes.h"
#include "drainer/base/clock.h"
#include "drainer/base/result.h"

namespace drainer::upstream {

/// Types of MariaDB's binary log events that we look at.
enum class EventType : uint8_t {
  kQuery = 2,
  kRotate = 4,
  kXid = 16,
  kTableMap = 19,
  kWriteRows = 23,
  kUpdateRows = 24,
  kDeleteRows = 25,
  kGtid = 162,
};

/// One event; `body` views the reader's buffer until the next call. Plain data.
struct BinlogEvent {
  EventType type;
  ByteView body;  ///< what follows the header
};

/// Follows the binary log of a MariaDB server in its data directory while the server writes it:
///
///     file  = fe "bin" event*
///     event = timestamp:4 type:1 server:4 size:4 position:4 flags:2 body        all LE
///
/// Only without checksums, compression and encryption. One thread.
class BinlogFile {
 public:
  /// Begins with `path`, which ends in a number, from its first event; `path` need not exist yet.
  BinlogFile(std::string path, Clock& clock);
  ~BinlogFile();
  BinlogFile(const BinlogFile&) = delete;
  BinlogFile& operator=(const BinlogFile&) = delete;

  /// Waits for the next event, also in the file after this. kStopped on `stop`.
  Result<BinlogEvent> next(const StopToken& stop);

 private:
  Result<void> fill(size_t bytes, const StopToken& stop);
  void go_on_with(ByteView name);

  std::string path_;
  Clock& clock_;
  int fd_ = -1;
  Bytes buffer_;
  size_t begin_ = 0;  ///< of what has not been given out yet
};

}  // namespace drainer::upstream
