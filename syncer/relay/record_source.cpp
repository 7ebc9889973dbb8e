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
constexpr std::string_view kNoLoss =
    "damaged bytes in a binlog file, no transaction is lost by them";

// Pb files: 08 tp, with tp 1.
bool is_ddl(ByteView payload) {
  return payload.starts_with(ByteView("\x08\x01", 2));
}

std::optional<CommitTs> find_first_ts(ByteView content) {
  file::RecordReader reader(content);
  const std::optional<file::Record> record = reader.next();
  return record ? file::find_commit_ts(record->payload) : std::nullopt;
}

}  // namespace

Result<RecordSource> RecordSource::open(SourceOptions options) {
  RecordSource source(std::move(options));
  TRY(source.find_files());
  TRY(source.find_stretches());
  TRY(source.enter_stretch());
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

struct RecordSource::FirstFile {
  size_t number = 0;
  std::optional<CommitTs> lowest;  ///< first commit ts of the files before it
};

Result<RecordSource::FirstFile> RecordSource::find_first_file() const {
  FirstFile out;
  if (options_.may_overlap || options_.has_early_ddl) return out;
  std::optional<CommitTs> lowest;
  std::optional<CommitTs> before;
  for (size_t i = 0; i < paths_.size(); ++i) {
    ASSIGN_OR_RETURN(const file::MappedFile mapped, file::MappedFile::open(paths_[i]));
    const std::optional<CommitTs> ts = find_first_ts(mapped.content());
    if (!ts) continue;
    // The files begin anew somewhere: what is needed of them only all records tell.
    if (before && *ts < *before) return FirstFile();
    if (*ts <= options_.start) out = {i, lowest};
    lowest = std::min(lowest.value_or(*ts), *ts);
    before = ts;
  }
  return out;
}

Result<void> RecordSource::find_stretches() {
  ASSIGN_OR_RETURN(const FirstFile first, find_first_file());
  RecordRuns runs(first.lowest);
  for (size_t i = first.number; i < paths_.size(); ++i) {
    ASSIGN_OR_RETURN(const file::MappedFile mapped, file::MappedFile::open(paths_[i]));
    if (options_.is_sample) {
      stretches_.push_back({.file = i, .end = mapped.content().size(), .from = options_.start});
    } else {
      runs.add_file(i, mapped.content());
    }
  }
  if (!options_.is_sample) {
    stretches_ = runs.stretches(options_.has_early_ddl ? CommitTs(0) : options_.start);
    tell_anew(runs);
  }
  for (const Stretch& stretch : stretches_) bytes_total_ += stretch.end - stretch.begin;
  return {};
}

void RecordSource::tell_anew(const RecordRuns& runs) const {
  const std::optional<RecordRuns::Anew> anew = runs.find_anew();
  if (!anew) return;
  const std::string& path = paths_[anew->file];
  if (!anew->first_left_out) {
    log_info("the binlog files begin anew, what stands before comes again or goes on behind",
             {{"file", path},
              {"offset", anew->offset},
              {"begins at", anew->begin},
              {"before at", anew->first_before}});
    return;
  }
  log_warn(
      "the binlog files begin anew and do not reach what stands before: it is left out, since "
      "transactions between them may be missing",
      {{"file", path},
       {"offset", anew->offset},
       {"begins at", anew->begin},
       {"reaches", anew->end},
       {"left out from", *anew->first_left_out},
       {"left out to", anew->last_left_out}});
}

Result<void> RecordSource::enter_stretch() {
  reader_.reset();
  mapped_.reset();
  if (stretches_.empty()) return {};
  const Stretch& stretch = stretches_[at_];
  ASSIGN_OR_RETURN(file::MappedFile mapped, file::MappedFile::open(paths_[stretch.file]));
  mapped_.emplace(std::move(mapped));
  reader_.emplace(mapped_->content().substr(0, stretch.end), stretch.begin);
  offset_ = stretch.begin;
  if (damage_ && stretch.repeats_before)
    tell(*std::exchange(damage_, std::nullopt), LogLevel::kWarn, kNoLoss);
  return {};
}

uint64_t RecordSource::bytes_read() const {
  return stretches_.empty() ? 0 : bytes_before_ + offset_ - stretches_[at_].begin;
}

bool RecordSource::note_damage() {
  const file::Damage& found = *reader_->damage();
  metric::binlogfile_corruption_binlog_count().add();
  if (!damage_) {
    damage_ = Damage{stretches_[at_].file, found.offset, found.reason,
                     file::find_commit_ts(found.payload)};
  }
  return reader_->skip_damage();
}

void RecordSource::tell(const Damage& damage, LogLevel level, std::string_view message,
                        const std::source_location& where) const {
  log_line(level, message,
           {{"file", paths_[damage.file]}, {"offset", damage.offset}, {"reason", damage.reason}},
           where);
}

Result<void> RecordSource::judge_damage(CommitTs next_ts, uint64_t next_offset) {
  const Damage damage = *std::exchange(damage_, std::nullopt);
  const bool is_short =
      damage.file == stretches_[at_].file && next_offset - damage.offset < kRecordBytesMin;
  // The original goes on behind a torn record, often with that very transaction.
  const bool is_repeated = next_ts == damage.ts;
  if (is_short || is_repeated || next_ts <= std::max(last_, options_.start)) {
    tell(damage, LogLevel::kWarn, kNoLoss);
    return {};
  }
  if (options_.skips_damage) {
    tell(damage, LogLevel::kError, "damaged bytes in a binlog file, transactions may be lost");
    return {};
  }
  return make_error(ErrorCode::kCorrupt,
                    "{} offset {}: {}; transactions between commit ts {} and {} may be lost",
                    paths_[damage.file], damage.offset, damage.reason, last_, next_ts);
}

Result<std::optional<RecordSource::Item>> RecordSource::next() {
  if (!reader_) return std::optional<Item>();
  while (true) {
    const Stretch& stretch = stretches_[at_];
    while (const std::optional<file::Record> record = reader_->next()) {
      const std::optional<CommitTs> ts = file::find_commit_ts(record->payload);
      if (!ts) {
        return make_error(ErrorCode::kCorrupt, "{} offset {}: the record is no binlog", path(),
                          record->offset);
      }
      if (damage_) TRY(judge_damage(*ts, record->offset));
      offset_ = record->end();
      if (*ts > stretch.to) break;
      const bool is_repeated = *ts <= last_;
      last_ = std::max(last_, *ts);
      if (is_repeated || *ts < stretch.from) continue;
      if (*ts < options_.start && !(options_.has_early_ddl && is_ddl(record->payload))) continue;
      if (*ts > options_.stop) return std::optional<Item>();
      return std::optional<Item>({*ts, record->payload, record->offset});
    }
    if (reader_->damage() && note_damage()) continue;
    if (at_ + 1 == stretches_.size()) break;
    bytes_before_ += stretch.end - stretch.begin;
    ++at_;
    TRY(enter_stretch());
  }
  if (damage_) {
    tell(*std::exchange(damage_, std::nullopt), LogLevel::kWarn,
         "the newest binlog file has a torn tail, the end is before it");
  }
  return std::optional<Item>();
}

}  // namespace drainer::relay
