#include "syncer/file/segment.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/files.h"
#include "drainer/base/log.h"
#include "syncer/file/message.h"
#include "syncer/file/record.h"

namespace drainer::file {

namespace {

// Records are gathered up to this size, at which they are still in the processor's cache when they
// are written; longer ones are not copied.
constexpr size_t kPendingBytesMax = 256 << 10;

// As mkdir -p, with mode 0700.
Result<void> create_directories(const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      return make_error(ErrorCode::kUnavailable, "mkdir {}: {}", part,
                        std::generic_category().message(errno));
    }
    if (end == std::string::npos) return {};
  }
}

}  // namespace

Result<uint64_t> find_end(const std::string& path, ByteView content, CommitTs acknowledged) {
  RecordReader reader(content);
  while (reader.next()) {
  }
  if (!reader.damage()) return content.size();
  const Damage damage = *reader.damage();
  metric::binlogfile_corruption_binlog_count().add();
  const std::optional<CommitTs> damaged_ts = find_commit_ts(damage.payload);
  // The original appends behind a torn record, after it has started again from its checkpoint.
  bool is_repeated = false;
  bool is_followed_by_acknowledged = false;
  while (reader.skip_damage()) {
    while (const std::optional<Record> record = reader.next()) {
      const std::optional<CommitTs> ts = find_commit_ts(record->payload);
      if (ts && damaged_ts && *ts == *damaged_ts) is_repeated = true;
      if (ts && *ts <= acknowledged) is_followed_by_acknowledged = true;
    }
  }
  const bool is_acknowledged =
      damaged_ts ? *damaged_ts <= acknowledged : is_followed_by_acknowledged;
  if (is_acknowledged && is_repeated) {
    log_error("torn record in binlog file, its transaction follows behind it",
              {{"file", path}, {"offset", damage.offset}, {"reason", damage.reason}});
    return content.size();
  }
  if (is_acknowledged || is_followed_by_acknowledged) {
    return make_error(
        ErrorCode::kCorrupt,
        "binlogger: content is corruption: {} offset {}: {}; the checkpoint {} counts "
        "it as written",
        path, damage.offset, damage.reason, acknowledged);
  }
  log_warn("cut off the torn tail of the binlog file, it will be written again",
           {{"file", path},
            {"offset", damage.offset},
            {"bytes", content.size() - damage.offset},
            {"reason", damage.reason}});
  return damage.offset;
}

SegmentWriter::SegmentWriter(Options options, const Clock& clock, LockedFile directory_lock,
                             LockedFile file)
    : options_(std::move(options)),
      clock_(&clock),
      directory_lock_(std::move(directory_lock)),
      file_(std::move(file)) {}

Result<SegmentWriter> SegmentWriter::open(Options options, const Clock& clock) {
  TRY(create_directories(options.directory));
  log_info("open binlogger", {{"directory", options.directory}});
  ASSIGN_OR_RETURN(LockedFile directory_lock, LockedFile::open(options.directory + "/.lock"));
  ASSIGN_OR_RETURN(const std::vector<Segment> segments, list_segments(options.directory));
  const Segment newest =
      segments.empty() ? Segment{0, segment_name(0, clock.unix_ms())} : segments.back();
  ASSIGN_OR_RETURN(LockedFile file, open_file(options, newest.name));
  SegmentWriter writer(std::move(options), clock, std::move(directory_lock), std::move(file));
  writer.index_ = newest.index;
  TRY(writer.recover());
  return writer;
}

Result<LockedFile> SegmentWriter::open_file(const Options& options, const std::string& name) {
  const std::string path = options.directory + "/" + name;
  log_info("open and lock binlog file", {{"name", path}});
  ASSIGN_OR_RETURN(LockedFile file, LockedFile::open(path));
  TRY(sync_directory(options.directory));
  return file;
}

Result<void> SegmentWriter::recover() {
  ASSIGN_OR_RETURN(const uint64_t size, file_.size_bytes());
  {
    ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::open(file_.path()));
    ASSIGN_OR_RETURN(file_bytes_, find_end(file_.path(), mapped.content(), options_.acknowledged));
  }
  if (file_bytes_ < size) TRY(file_.truncate(file_bytes_));
  // What an earlier run wrote last, a crash may have kept from the disk; it is not written again.
  return file_.sync();
}

Result<CommitTsSet> SegmentWriter::find_unacknowledged() const {
  ASSIGN_OR_RETURN(const std::vector<Segment> segments, list_segments(options_.directory));
  std::vector<std::vector<CommitTs>> newest_first;
  bool reaches_checkpoint = false;
  for (auto segment = segments.rbegin(); segment != segments.rend() && !reaches_checkpoint;
       ++segment) {
    ASSIGN_OR_RETURN(const MappedFile mapped,
                     MappedFile::open(options_.directory + "/" + segment->name));
    RecordReader reader(mapped.content());
    std::vector<CommitTs>& all = newest_first.emplace_back();
    do {
      while (const std::optional<Record> record = reader.next()) {
        const std::optional<CommitTs> ts = find_commit_ts(record->payload);
        if (!ts) continue;
        all.push_back(*ts);
        reaches_checkpoint = reaches_checkpoint || *ts <= options_.acknowledged;
      }
    } while (reader.skip_damage());
  }
  std::vector<CommitTs> held;
  for (auto all = newest_first.rbegin(); all != newest_first.rend(); ++all) {
    for (const CommitTs ts : *all) {
      // Where the files go back, what they held from there on is written again behind.
      held.erase(std::ranges::lower_bound(held, ts), held.end());
      if (ts > options_.acknowledged) held.push_back(ts);
    }
  }
  return CommitTsSet(held.begin(), held.end());
}

Result<void> SegmentWriter::append(ByteView payload) {
  if (file_bytes() >= options_.file_bytes_max) TRY(rotate());
  record_bytes_->observe(static_cast<double>(payload.size()));
  if (payload.size() < kPendingBytesMax) {
    append_record(pending_, payload);
    if (pending_.size() >= kPendingBytesMax) return flush();
    return {};
  }
  TRY(flush());
  const uint64_t begin = file_bytes_;
  Result<void> written = write(record_header(payload));
  if (written.ok()) written = write(payload);
  if (written.ok()) written = write(record_trailer(payload));
  if (written.ok()) return {};
  file_bytes_ = begin;
  // What cannot be cut off now is a torn tail for the next start.
  (void)file_.truncate(begin);
  return written;
}

Result<void> SegmentWriter::flush() {
  if (pending_.empty()) return {};
  const uint64_t begin = file_bytes_;
  Result<void> written = write(pending_);
  pending_.clear();
  if (!written.ok()) {
    file_bytes_ = begin;
    (void)file_.truncate(begin);
  }
  return written;
}

Result<void> SegmentWriter::write(ByteView bytes) {
  const TimePoint start = clock_->now();
  Result<void> written = file_.append(bytes, file_bytes_);
  write_seconds_->observe(std::chrono::duration<double>(clock_->now() - start).count());
  if (written.ok()) file_bytes_ += bytes.size();
  return written;
}

Result<void> SegmentWriter::sync() {
  TRY(flush());
  return file_.sync(file_bytes_);
}

Result<void> SegmentWriter::rotate() {
  TRY(sync());
  ASSIGN_OR_RETURN(LockedFile next,
                   open_file(options_, segment_name(index_ + 1, clock_->unix_ms())));
  log_info("segmented binlog file is created", {{"path", next.path()}});
  file_ = std::move(next);
  ++index_;
  file_bytes_ = 0;
  return {};
}

}  // namespace drainer::file
