#include "syncer/relay/record_source.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"
#include "syncer/file/message.h"
#include "syncer/file/segment_names.h"

namespace drainer::relay {

namespace {

// 08 00 10 <ts>: no payload is shorter.
constexpr uint64_t kRecordBytesMin = file::kRecordFrameBytes + 4;

// No record at or behind `start` is in the file, nor may a damage have taken one.
bool ends_before(CommitTs start, ByteView content) {
  file::RecordReader reader(content);
  while (const std::optional<file::Record> record = reader.next()) {
    const std::optional<CommitTs> ts = file::find_commit_ts(record->payload);
    if (!ts || *ts >= start) return false;
  }
  return !reader.damage();
}

bool begins_by(CommitTs start, ByteView content) {
  file::RecordReader reader(content);
  const std::optional<file::Record> record = reader.next();
  const std::optional<CommitTs> ts = record ? file::find_commit_ts(record->payload) : std::nullopt;
  return ts && *ts <= start;
}

}  // namespace

Result<RecordSource> RecordSource::open(SourceOptions options) {
  RecordSource source(std::move(options));
  TRY(source.find_files());
  TRY(source.skip_early_files());
  TRY(source.enter_file());
  return source;
}

Result<void> RecordSource::find_files() {
  std::error_code failure;
  const bool is_directory = std::filesystem::is_directory(options_.path, failure);
  if (is_directory) {
    ASSIGN_OR_RETURN(const std::vector<file::Segment> segments, file::list_segments(options_.path));
    for (const file::Segment& segment : segments) {
      paths_.push_back(options_.path + "/" + segment.name);
    }
  } else if (std::filesystem::exists(options_.path, failure)) {
    paths_.push_back(options_.path);
  }
  std::erase_if(paths_, [](const std::string& path) {
    std::error_code ignored;
    return std::filesystem::file_size(path, ignored) == 0;
  });
  if (paths_.empty() && !(is_directory && options_.may_be_empty)) {
    return make_error(ErrorCode::kNotFound, "{} holds no binlog files", options_.path);
  }
  return {};
}

Result<void> RecordSource::skip_early_files() {
  size_t first = 0;
  for (size_t i = 0; i < paths_.size(); ++i) {
    ASSIGN_OR_RETURN(const file::MappedFile mapped, file::MappedFile::open(paths_[i]));
    sizes_.push_back(mapped.content().size());
    if (!options_.may_overlap) {
      if (begins_by(options_.start, mapped.content())) first = i;
    } else if (first == i && i + 1 < paths_.size() &&
               ends_before(options_.start, mapped.content())) {
      first = i + 1;
    }
  }
  paths_.erase(paths_.begin(), paths_.begin() + static_cast<ptrdiff_t>(first));
  sizes_.erase(sizes_.begin(), sizes_.begin() + static_cast<ptrdiff_t>(first));
  for (const uint64_t size : sizes_) bytes_total_ += size;
  return {};
}

Result<void> RecordSource::enter_file() {
  reader_.reset();
  mapped_.reset();
  if (paths_.empty()) return {};
  ASSIGN_OR_RETURN(file::MappedFile mapped, file::MappedFile::open(paths_[file_]));
  mapped_.emplace(std::move(mapped));
  reader_.emplace(mapped_->content());
  offset_ = 0;
  return {};
}

uint64_t RecordSource::bytes_read() const {
  return bytes_before_ + offset_;
}

bool RecordSource::note_damage() {
  const file::Damage& found = *reader_->damage();
  metric::binlogfile_corruption_binlog_count().add();
  if (!damage_) {
    damage_ = Damage{file_, found.offset, found.reason, file::find_commit_ts(found.payload)};
  }
  return reader_->skip_damage();
}

Result<void> RecordSource::judge_damage(CommitTs next_ts, uint64_t next_offset) {
  const Damage damage = *std::exchange(damage_, std::nullopt);
  const std::string& path = paths_[damage.file];
  const LogFields where = {{"file", path}, {"offset", damage.offset}, {"reason", damage.reason}};
  const bool is_short = damage.file == file_ && next_offset - damage.offset < kRecordBytesMin;
  // The original goes on behind a torn record, often with that very transaction.
  const bool is_repeated = next_ts == damage.ts;
  if (is_short || is_repeated || next_ts <= std::max(last_, options_.start)) {
    log_warn("damaged bytes in a binlog file, no transaction is lost by them", where);
    return {};
  }
  if (options_.skips_damage) {
    log_error("damaged bytes in a binlog file, transactions may be lost", where);
    return {};
  }
  return make_error(ErrorCode::kCorrupt,
                    "{} offset {}: {}; transactions between commit ts {} and {} may be lost", path,
                    damage.offset, damage.reason, last_, next_ts);
}

Result<std::optional<RecordSource::Item>> RecordSource::next() {
  if (!reader_) return std::optional<Item>();
  while (true) {
    while (const std::optional<file::Record> record = reader_->next()) {
      const std::optional<CommitTs> ts = file::find_commit_ts(record->payload);
      if (!ts) {
        return make_error(ErrorCode::kCorrupt, "{} offset {}: the record is no binlog", path(),
                          record->offset);
      }
      if (damage_) TRY(judge_damage(*ts, record->offset));
      offset_ = record->end();
      const bool is_repeated = *ts <= last_;
      last_ = std::max(last_, *ts);
      if (is_repeated || *ts < options_.start) continue;
      if (*ts > options_.stop) return std::optional<Item>();
      return std::optional<Item>({*ts, record->payload, record->offset});
    }
    if (reader_->damage() && note_damage()) continue;
    if (file_ + 1 == paths_.size()) break;
    bytes_before_ += sizes_[file_];
    ++file_;
    TRY(enter_file());
  }
  if (damage_) {
    log_warn("the newest binlog file has a torn tail, the end is before it",
             {{"file", paths_[damage_->file]},
              {"offset", damage_->offset},
              {"reason", damage_->reason}});
    damage_.reset();
  }
  return std::optional<Item>();
}

}  // namespace drainer::relay
