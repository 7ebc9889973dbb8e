// The reader of pb files on any content: it ends, stays within the content, finds all whole records
// of a prefix, and what it cuts off is never a whole record.

#include "drainer/base/check.h"
#include "drainer/base/log.h"
#include "syncer/file/message.h"
#include "syncer/file/record.h"
#include "syncer/file/segment.h"

using namespace drainer;

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  (void)open_log({.level = LogLevel::kError, .file = ""});
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView content(reinterpret_cast<const char*>(data), size);
  file::RecordReader reader(content);
  uint64_t end = 0;
  do {
    while (const auto record = reader.next()) {
      CHECK(record->offset >= end, "records overlap");
      end = record->end();
      CHECK(end <= size, "a record leaves its content");
      (void)file::find_commit_ts(record->payload);
    }
    CHECK(reader.damage() || end == size, "the reader ends before the end");
  } while (reader.skip_damage());

  // A whole record in front of the input is always found.
  Bytes prefixed;
  file::append_record(prefixed, content.substr(0, size / 2));
  const size_t begin = prefixed.size();
  prefixed.append(content);
  const Result<uint64_t> kept = file::find_end("fuzz", prefixed, CommitTs(INT64_MIN));
  CHECK(!kept.ok() || *kept >= begin, "a whole record would be cut off");
  return 0;
}
