#pragma once

#include <atomic>
#include <map>

#include "tests/upstream/capture.h"
#include "tests/upstream/mvcc.h"

namespace drainer::upstream {

/// Fills `store` with the metadata of a capture, in versions between its two snapshots.
///
/// A history job appears at its FinishedTS (its transaction's start, hence directly before its
/// commit ts), and with it what the job did to databases, tables, the schema version and its diffs.
/// What no job explains changes at meta_ts. Returns the version of each job by its id.
std::map<int64_t, int64_t> load_meta_versions(const Capture& capture, MvccStore& store);

/// How far TiKV's readers can see: everything, or only what the pumps have come to. Any thread.
class MetaClock {
 public:
  /// `as_served`: hide what is newer than the records served, from `start` on.
  MetaClock(bool as_served, CommitTs start, std::map<int64_t, int64_t> job_versions)
      : as_served_(as_served), job_versions_(std::move(job_versions)), seen_(start.value) {}

  /// A pump has sent, or was asked to go on after, this commit ts (and this job, if not 0).
  void note_served(int64_t commit_ts, int64_t ddl_job_id);
  /// The version at which a reader at `version` reads.
  uint64_t limit(uint64_t version) const;

 private:
  void raise(int64_t ts);

  const bool as_served_;
  const std::map<int64_t, int64_t> job_versions_;
  std::atomic<int64_t> seen_;
};

}  // namespace drainer::upstream
