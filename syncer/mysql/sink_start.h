#pragma once

#include <cstddef>
#include <optional>

#include "drainer/base/clock.h"
#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "syncer/mysql/applied_state.h"
#include "syncer/mysql/progress_table.h"
#include "syncer/mysql/session/session.h"

namespace drainer::mysql {

struct MysqlSinkOptions;  // mysql_sink.h

/// Why a run begins where it does.
enum class StartReason {
  kCheckpoint,     ///< the downstream knows nothing above it that counts
  kProgress,       ///< the downstream knows more, or the same
  kNoCheckpoint,   ///< there is none, and nobody has said where: where the downstream is
  kInitialBehind,  ///< there is none, and somebody wants what the downstream has, once more
  kMovedBack,      ///< somebody has set the checkpoint below that of the last start
  kOtherDrainer,   ///< a Go drainer has saved it since
};

/// Where a run begins. Plain data.
struct SinkStart {
  StartReason reason = StartReason::kCheckpoint;
  AppliedState state{};
  CommitTs checkpoint_ts{};  ///< of the options, or what counts where there is none
  CommitTs safe_until{};     ///< 0: no safe mode
};

/// Whom to believe: the checkpoint of `options`, or what the downstream says of the runs before;
/// nothing where there were none. Pure.
SinkStart decide_start(const MysqlSinkOptions& options,
                       const std::optional<ProgressTable::Previous>& previous);

/// Makes this process the owner of the progress, which shuts out any older drainer of the cluster;
/// then sets up the mark table, reads the checkpoint again, which fills `options`, decides and
/// records the start. Tries again what another start locks out. kStopped on `stop`, between two
/// statements.
Result<SinkStart> take_over(Session& session, MysqlSinkOptions& options,
                            const ProgressTable::Id& id, size_t workers, Clock& clock,
                            const StopToken& stop);

}  // namespace drainer::mysql
