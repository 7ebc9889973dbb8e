#pragma once

#include "conf/options.h"
#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "drainer/drain_limit.h"

namespace drainer {

/// Brings the downstream to a consistent point out of the relay log, when the upstream cannot be
/// reached at the start (spec/mysql-sink.md 4.5, drainer-process.md 2.6).
///
/// How it ended stands in the log and on standard error. Nothing to do without a relay log, without
/// a checkpoint, and after a clean stop. Else all transactions behind the checkpoint are applied,
/// marked if loopback-control is on (FIX), and the checkpoint is saved as consistent; a log without
/// records, of a run that logged nothing, has none. Transactions that our progress rows know of are
/// not applied twice; behind a Go drainer, which has no such rows, safe mode is on. Where neither
/// the log nor the checkpoint (a file) tells the cluster, the rows that know this checkpoint do;
/// kInvalid when several do, and when the checkpoint has been moved back before what the log holds,
/// or the log has lost what the downstream lacks, as after a backup was restored. kNotFound when
/// the log's directory has no files, kStopped when `end` came before all was applied.
Result<void> recover_from_relay(const Options& options, Clock& clock, const EndTokens& end);

}  // namespace drainer
