#include "drainer/replay.h"

#include <utility>

#include "drainer/base/log.h"
#include "syncer/mysql/session/downstream.h"

namespace drainer {

Result<void> add_downstream_tables(relay::TxnSource& source, CommitTs applied,
                                   const Options& options) {
  source.set_applied(applied);
  ASSIGN_OR_RETURN(const std::unique_ptr<mysql::Session> session,
                   mysql::Session::open(mysql::base_session_options(options.syncer.to)));
  ASSIGN_OR_RETURN(
      const auto rows,
      session->query("SELECT table_schema, table_name FROM information_schema.tables"));
  for (const mysql::ResultRow& row : rows) {
    source.add_known({row[0].value_or(""), row[1].value_or("")});
  }
  return {};
}

Result<void> Replay::run(const EndTokens& end, const std::function<void()>& on_progress) {
  // Of submitting alone: what was submitted may go on.
  StopSource source_end;
  ThreadGroup threads([&source_end] { source_end.request_stop(); });
  ThreadGroup limit;
  const std::stop_callback begin_end(end.in_order, [&] {
    source_end.request_stop();
    limit.start("drain-limit",
                [&](const StopToken& ended) { return stop_after_limit(threads, clock_, ended); });
  });
  const std::stop_callback end_at_once(end.at_once, [&] {
    source_end.request_stop();
    threads.request_stop();
  });
  sink_.start(threads);
  threads.start("replay", [&](const StopToken&) {
    Result<void> result = submit_all(source_end.get_token());
    sink_.close();
    return result;
  });
  while (const std::optional<Applied> applied = sink_.next_applied(threads.stop_token())) {
    applied_ts_ = applied->commit_ts.value;
    applied_rows_ += applied->rows;
    if (on_progress) on_progress();
  }
  Result<void> result = threads.wait();
  // Something that was submitted may not be applied.
  if (threads.stop_token().stop_requested()) is_complete_ = false;
  return result;
}

Replay::Figures Replay::figures() const {
  return {.bytes_read = bytes_read_,
          .bytes_total = source_.bytes_total(),
          .applied_ts = CommitTs(applied_ts_),
          .applied_rows = applied_rows_};
}

Result<void> Replay::submit_all(const StopToken& stop) {
  while (!stop.stop_requested()) {
    ASSIGN_OR_RETURN(std::optional<Txn> txn, source_.next());
    bytes_read_ = source_.bytes_read();
    if (!txn) {
      is_complete_ = true;
      return {};
    }
    if (txn->commit_ts <= start_) continue;
    filter_.apply(*txn);
    TRY(sink_.submit(std::move(*txn), stop));
  }
  return {};
}

}  // namespace drainer
