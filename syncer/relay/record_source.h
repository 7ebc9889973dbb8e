#pragma once

#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/ids.h"
#include "drainer/base/log.h"
#include "drainer/base/result.h"
#include "syncer/file/locked_file.h"
#include "syncer/file/record.h"
#include "syncer/relay/record_runs.h"

namespace drainer::relay {

struct SourceOptions {
  /// A directory of pb files or of a relay log, or one such file.
  std::string path = {};
  CommitTs start{0};           ///< the first commit ts wanted
  CommitTs stop{INT64_MAX};    ///< the last one
  bool has_early_ddl = false;  ///< of pb files: DDL that lies before the start comes, too
  bool skips_damage = false;   ///< go on behind lost records instead of stopping
  /// A later file may end below an earlier one, as in relay logs after a crash: files before the
  /// start are looked through. False: their first records tell which of them are needed, unless
  /// they fall somewhere.
  bool may_overlap = true;
  /// Any records will do, each once: they come as they lie there, and nobody looks through all.
  bool is_sample = false;
  bool may_be_empty = false;  ///< a directory without records has none, instead of kNotFound
};

/// The records of pb files or of a relay log in commit-ts order, each once, whether we wrote them
/// or the original (mysql-sink.md 4.6, kafka-and-file-sinks.md 3, with their FIXes).
///
/// What a crash has repeated is left out. Where the files begin anew before all that they hold,
/// since the drainer was made to start over, the new records are taken, and the old ones behind
/// them if the new ones reach them; else the old ones are left out, with a warning. A torn tail of
/// the newest file is the end. Other damage stops with an error that names file and offset, unless
/// nothing can have been lost: too few bytes for a record, or what follows repeats the torn
/// transaction or ones before it. One thread.
class RecordSource {
 public:
  /// kNotFound when there is no file that holds anything.
  static Result<RecordSource> open(SourceOptions options);

  struct Item {
    CommitTs commit_ts;
    ByteView payload;  ///< valid until the next call
    uint64_t offset;
  };
  /// Nothing at the end.
  Result<std::optional<Item>> next();

  /// Path of the file at hand.
  const std::string& path() const { return paths_[stretches_[at_].file]; }
  uint64_t bytes_read() const;
  uint64_t bytes_total() const { return bytes_total_; }

 private:
  explicit RecordSource(SourceOptions options) : options_(std::move(options)) {}

  Result<void> find_files();
  Result<void> find_stretches();
  struct FirstFile;
  Result<FirstFile> find_first_file() const;
  void tell_anew(const RecordRuns& runs) const;
  Result<void> enter_stretch();
  struct Damage {
    size_t file;
    uint64_t offset;
    std::string reason;
    std::optional<CommitTs> ts;  ///< of the damaged record, where its beginning tells
  };
  void tell(const Damage& damage, LogLevel level, std::string_view message,
            const std::source_location& where = std::source_location::current()) const;
  Result<void> judge_damage(CommitTs next_ts, uint64_t next_offset);
  /// At a damage: true when the reader may go on behind it in this file.
  bool note_damage();

  SourceOptions options_;
  std::vector<std::string> paths_;
  std::vector<Stretch> stretches_;
  uint64_t bytes_total_ = 0;
  uint64_t bytes_before_ = 0;  ///< of the stretches before the one at hand
  size_t at_ = 0;              ///< the stretch at hand
  std::optional<file::MappedFile> mapped_;
  std::optional<file::RecordReader> reader_;
  uint64_t offset_ = 0;
  CommitTs last_{0};  ///< of the last record, wanted or not
  std::optional<Damage> damage_;
};

}  // namespace drainer::relay
