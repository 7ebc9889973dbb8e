#include "drainer/replay_begin.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "drainer/base/fnv1a.h"
#include "drainer/downstream_progress.h"
#include "syncer/relay/log_cluster.h"
#include "syncer/relay/record_source.h"

namespace drainer {

namespace {

using Progress = mysql::ProgressTable::Previous;

// A task goes on where it is, whatever the start: that must ask for nothing else.
Result<void> check_start(const relay::SourceOptions& source, relay::RecordFormat format,
                         const std::string& task, const Progress& progress) {
  if (source.start <= progress.checkpoint_ts) {
    return make_error(ErrorCode::kInvalid,
                      "-start-ts {}: the task \"{}\" began behind commit ts {} and has left out "
                      "what lies before; it goes on behind commit ts {} without -start-ts, give "
                      "another -task to begin anew",
                      source.start, task, progress.checkpoint_ts, progress.state.commit_ts);
  }
  relay::SourceOptions between = source;
  between.may_overlap = format != relay::RecordFormat::kFile;
  between.start = CommitTs(progress.state.commit_ts.value + 1);
  between.stop = std::min(source.stop, CommitTs(source.start.value - 1));
  if (between.start > between.stop) return {};
  ASSIGN_OR_RETURN(relay::RecordSource records, relay::RecordSource::open(between));
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<relay::RecordSource::Item> item, records.next());
    if (!item) return {};
    if (progress.state.contains(item->commit_ts)) continue;
    return make_error(ErrorCode::kInvalid,
                      "-start-ts {}: the task \"{}\" is applied up to commit ts {}, commit ts {} "
                      "would be skipped; it goes on there without -start-ts, give another -task to "
                      "begin anew",
                      source.start, task, progress.state.commit_ts, item->commit_ts);
  }
}

// Where the log does not tell its cluster, whoever has applied these commit ts counts.
Result<void> check_unapplied(const relay::SourceOptions& source, const Options& options) {
  ASSIGN_OR_RETURN(std::vector<KeptProgress> all, find_all_progress(options));
  ASSIGN_OR_RETURN(const std::optional<uint64_t> owner, relay::find_log_cluster(source.path));
  if (owner) std::erase_if(all, [&](const auto& kept) { return kept.cluster_id != *owner; });
  if (all.empty()) return {};
  ASSIGN_OR_RETURN(relay::RecordSource records, relay::RecordSource::open(source));
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<relay::RecordSource::Item> item, records.next());
    if (!item) return {};
    for (const KeptProgress& kept : all) {
      if (kept.progress.state.last_ts() < item->commit_ts ||
          !kept.progress.state.contains(item->commit_ts)) {
        continue;
      }
      return make_error(
          ErrorCode::kInvalid,
          "{}: the downstream holds transactions of this log up to commit ts {} already, by the "
          "drainer of cluster {} (or the replay with this id): start that one to complete it "
          "(README), or give -start-ts, the first commit ts to apply",
          source.path, kept.progress.state.last_ts(), kept.cluster_id);
    }
  }
}

}  // namespace

uint64_t id_of_replay(const std::string& task) {
  return fnv1a("replay " + task);
}

Result<SavePoint> find_replay_begin(relay::SourceOptions& source, relay::RecordFormat format,
                                    const std::string& task, const Options& options) {
  SavePoint before;
  before.commit_ts = CommitTs(std::max<int64_t>(source.start.value - 1, 0));
  ASSIGN_OR_RETURN(const std::optional<Progress> progress,
                   find_progress(options, id_of_replay(task)));
  if (!progress) {
    const bool is_log = format == relay::RecordFormat::kRelay;
    if (is_log && source.start.value == 0) TRY(check_unapplied(source, options));
    return before;
  }
  if (source.start.value > 0) TRY(check_start(source, format, task, *progress));
  // The sink takes a lower one for a wish to begin again there.
  before.commit_ts = progress->checkpoint_ts;
  source.start = std::max(source.start, CommitTs(progress->checkpoint_ts.value + 1));
  return before;
}

}  // namespace drainer
