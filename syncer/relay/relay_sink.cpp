#include "syncer/relay/relay_sink.h"

#include <algorithm>
#include <utility>

#include "drainer/base/log.h"
#include "syncer/file/message.h"
#include "syncer/file/record.h"
#include "syncer/file/segment_names.h"
#include "syncer/relay/log_cluster.h"
#include "syncer/relay/record_chain.h"

namespace drainer::relay {

namespace {

constexpr QueueLimits kInputLimits{.items = 1024, .bytes = 8u << 20};
// Of transactions that share one sync: as much as may wait for it, one of any size.
constexpr QueueLimits kGroupLimits = kInputLimits;

// What the original's messages lack (README.md), last field first.
void put_own_fields(ReverseWriter& out, const Txn& txn, CommitTs previous,
                    const tidb::TimeZone& zone) {
  put_previous_ts(out, previous);
  if (txn.ddl && txn.ddl->clock) {
    const size_t end = out.size();
    out.put_varint_field(0x10, txn.ddl->clock->is_utc ? 1 : 0);
    out.put_bytes_field(0x0a, txn.ddl->clock->time);
    out.put_header(0x3a, end);
  }
  if (!txn.marks.empty()) {
    const size_t end = out.size();
    for (auto channel = txn.marks.rbegin(); channel != txn.marks.rend(); ++channel) {
      out.put_varint(static_cast<uint64_t>(*channel));
    }
    out.put_header(0x32, end);
  }
  out.put_bytes_field(0x2a, zone.name());
}

}  // namespace

Result<std::unique_ptr<RelaySink>> RelaySink::open(RelaySinkOptions options,
                                                   std::unique_ptr<Sink> inner, Clock& clock) {
  // Nothing in the log counts as written for good: what it lacks comes from upstream again.
  Result<file::SegmentWriter> segments =
      file::SegmentWriter::open({.directory = options.directory,
                                 .acknowledged = CommitTs(0),
                                 .file_bytes_max = options.file_bytes_max},
                                clock);
  if (!segments.ok()) return std::move(segments).error().because("open relay log");
  auto sink = std::make_unique<RelaySink>(std::move(options), std::move(inner),
                                          std::move(segments).value());
  TRY(sink->find_ts());
  TRY(sink->claim());
  if (sink->options_.has_checkpoint) sink->remove_applied(sink->options_.checkpoint);
  return sink;
}

RelaySink::RelaySink(RelaySinkOptions options, std::unique_ptr<Sink> inner,
                     file::SegmentWriter segments)
    : options_(std::move(options)),
      inner_(std::move(inner)),
      input_(kInputLimits),
      segments_(std::move(segments)),
      messages_(inner_->time_zone()) {}

Result<void> RelaySink::find_ts() {
  ASSIGN_OR_RETURN(const std::vector<file::Segment> segments,
                   file::list_segments(options_.directory));
  const CommitTs begin = inner_->resume_from(options_.checkpoint);
  MutexLock lock(mutex_);
  for (const file::Segment& segment : segments) {
    ASSIGN_OR_RETURN(const file::MappedFile mapped,
                     file::MappedFile::open(options_.directory + "/" + segment.name));
    CommitTs& last = last_ts_[segment.index];
    file::RecordReader reader(mapped.content());
    do {
      while (const std::optional<file::Record> record = reader.next()) {
        const std::optional<CommitTs> ts = file::find_commit_ts(record->payload);
        if (!ts) continue;
        last = std::max(last, *ts);
        first_ts_ = std::min(first_ts_, *ts);
        if (*ts <= begin) previous_ = std::max(previous_, *ts);
      }
    } while (reader.skip_damage());
  }
  if (previous_.value == 0) previous_ = begin;
  return {};
}

Result<void> RelaySink::claim() {
  const std::string& log = options_.directory;
  ASSIGN_OR_RETURN(const std::optional<uint64_t> owner, find_log_cluster(log));
  if (owner == options_.cluster_id) return {};
  MutexLock lock(mutex_);
  if (owner && first_ts_.value != INT64_MAX) {
    return make_error(
        ErrorCode::kInvalid,
        "the relay log {} holds transactions of cluster {}, not of cluster {}: recover "
        "that one first if it is lost, then move the directory away",
        log, *owner, options_.cluster_id);
  }
  return note_log_cluster(log, options_.cluster_id);
}

void RelaySink::start(ThreadGroup& threads) {
  inner_->start(threads);
  threads.start("relay", [this](const StopToken& stop) { return run(stop); });
}

Result<void> RelaySink::submit(Txn txn, const StopToken& stop) {
  const size_t size_bytes = txn.size_bytes();
  if (!input_.push(std::move(txn), size_bytes, stop)) {
    return stopped();
  }
  return {};
}

Result<void> RelaySink::run(const StopToken& stop) {
  Result<void> result = log_all(stop);
  inner_->close();
  return result;
}

Result<void> RelaySink::log_all(const StopToken& stop) {
  std::vector<Txn> group;
  while (std::optional<Txn> txn = input_.pop(stop)) {
    group.clear();
    size_t bytes = 0;
    while (txn) {
      if (Result<void> logged = log(*txn); !logged.ok()) {
        return std::move(logged).error().because("write relay log, commit ts {}", txn->commit_ts);
      }
      bytes += txn->size_bytes();
      group.push_back(std::move(*txn));
      const bool is_full = group.size() >= kGroupLimits.items || bytes >= kGroupLimits.bytes;
      txn = is_full ? std::nullopt : input_.try_pop();
    }
    TRY(segments_.sync());
    for (Txn& logged : group) TRY(inner_->submit(std::move(logged), stop));
  }
  return {};
}

Result<void> RelaySink::log(const Txn& txn) {
  // FIX: a DDL that is not to be executed is not logged, where it would lose that mark.
  if (!txn.has_message()) return {};
  if (!txn.is_progress() && txn.commit_ts <= last_logged_) {
    log_warn("a DDL before its binlog is not in the relay log: its commit ts is another's",
             {{"commit ts", txn.commit_ts}, {"sql", txn.ddl->text}});
    return {};
  }
  last_logged_ = txn.commit_ts;
  buffer_.clear();
  put_own_fields(buffer_, txn, previous_, inner_->time_zone());
  TRY(messages_.put(buffer_, txn));
  TRY(segments_.append(buffer_.view()));
  previous_ = txn.commit_ts;
  MutexLock lock(mutex_);
  if (txn.commit_ts < first_ts_) {
    if (!last_ts_.empty()) {
      log_info("the relay log begins anew, what it held begins later and is not needed any more",
               {{"commit ts", txn.commit_ts}, {"before", first_ts_}});
    }
    first_ts_ = txn.commit_ts;
    for (auto& [index, last] : last_ts_) last = CommitTs();
  }
  CommitTs& last = last_ts_[segments_.index()];
  last = std::max(last, txn.commit_ts);
  return {};
}

std::optional<Applied> RelaySink::next_applied(const StopToken& stop) {
  std::optional<Applied> applied = inner_->next_applied(stop);
  if (applied) remove_applied(applied->commit_ts);
  return applied;
}

void RelaySink::remove_applied(CommitTs applied) {
  uint64_t needed = 0;
  {
    MutexLock lock(mutex_);
    // Only when something behind a file is applied, as in the original.
    while (last_ts_.size() > 1 && last_ts_.begin()->second < applied) {
      last_ts_.erase(last_ts_.begin());
      needed = last_ts_.begin()->first;
    }
  }
  if (needed == 0) return;
  file::remove_segments_before(options_.directory, needed);
}

}  // namespace drainer::relay
