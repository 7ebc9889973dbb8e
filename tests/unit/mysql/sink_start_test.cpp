#include "syncer/mysql/sink_start.h"

#include "syncer/mysql/mysql_sink.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using enum StartReason;

constexpr int64_t kSafeUntil = 90;  // PD's time at this start

/// The checkpoint as it is found at a start; `Known::kStart`: there is none, but somebody has said
/// where to start.
enum class Known { kNothing, kStart, kTorn, kConsistent };

/// A run before: it started at 10, applied up to 30, announced 25 and then 27; the run before it
/// had announced 18 last.
struct Before {
  int64_t applied = 30;
  int64_t span_end = 0;    ///< of (applied + 5, span_end], where it is not 0
  int64_t safe_until = 0;  ///< of its own safe mode
  int64_t started = 10;
};

struct Case {
  std::string name;
  Known known;
  int64_t checkpoint;
  std::optional<Before> before;

  StartReason reason;
  int64_t start;
  int64_t safe_until = 0;
};

const std::vector<Case> kCases = {
    // The downstream says nothing.
    {"first start", Known::kNothing, 20, {}, kCheckpoint, 20},
    {"first start, told where", Known::kStart, 20, {}, kCheckpoint, 20},
    {"taken over from Go after a clean stop", Known::kConsistent, 20, {}, kCheckpoint, 20},
    {"taken over from Go after a crash", Known::kTorn, 20, {}, kCheckpoint, 20, kSafeUntil},

    // No checkpoint, but progress.
    {"checkpoint lost, now is later", Known::kNothing, 100, Before{}, kNoCheckpoint, 30},
    {"checkpoint lost, now is where it was", Known::kNothing, 30, Before{}, kProgress, 30},
    {"checkpoint lost, initial below", Known::kNothing, 20, Before{}, kProgress, 30},
    {"told to begin later", Known::kStart, 100, Before{}, kCheckpoint, 100},
    {"told to begin within what was begun above", Known::kStart, 37, Before{.span_end = 40},
     kCheckpoint, 37, kSafeUntil},
    {"told to repeat", Known::kStart, 20, Before{}, kInitialBehind, 20, kSafeUntil},

    // The checkpoint is ours and lags or agrees.
    {"crash after an announcement", Known::kTorn, 27, Before{}, kProgress, 30},
    {"crash between announcement and save", Known::kTorn, 25, Before{}, kProgress, 30},
    {"a replaced run saved late", Known::kTorn, 18, Before{}, kProgress, 30},
    {"clean stop", Known::kConsistent, 27, Before{.applied = 27}, kProgress, 27},
    {"only the checkpoint knows of transactions without rows", Known::kTorn, 27,
     Before{.applied = 22}, kProgress, 27},
    {"the same, of what was begun above", Known::kTorn, 27, Before{.applied = 20, .span_end = 29},
     kProgress, 29},

    // A Go drainer has been here.
    {"Go crashed behind us", Known::kTorn, 28, Before{}, kOtherDrainer, 28, kSafeUntil},
    {"Go crashed where we were", Known::kTorn, 30, Before{}, kOtherDrainer, 30, kSafeUntil},
    {"Go stopped behind us", Known::kConsistent, 28, Before{}, kOtherDrainer, 28, kSafeUntil},
    {"Go stopped before it had saved", Known::kConsistent, 27, Before{}, kOtherDrainer, 27,
     kSafeUntil},
    {"Go stopped where we were", Known::kConsistent, 30, Before{}, kOtherDrainer, 30},
    {"Go crashed ahead", Known::kTorn, 40, Before{}, kCheckpoint, 40, kSafeUntil},
    {"Go stopped ahead", Known::kConsistent, 40, Before{}, kCheckpoint, 40},
    {"Go stopped within what we had begun above", Known::kConsistent, 37, Before{.span_end = 40},
     kCheckpoint, 37, kSafeUntil},

    // Moved by hand.
    {"moved back", Known::kTorn, 5, Before{}, kMovedBack, 5, kSafeUntil},
    {"moved back, consistent", Known::kConsistent, 5, Before{}, kMovedBack, 5, kSafeUntil},
    {"moved back below a start without progress", Known::kTorn, 25,
     Before{.applied = 28, .started = 26}, kMovedBack, 25, kSafeUntil},

    // The run before was in safe mode.
    {"ended in its safe mode", Known::kTorn, 27, Before{.safe_until = 40}, kProgress, 30, 40},
    {"its end was not known", Known::kTorn, 27, Before{.safe_until = INT64_MAX}, kProgress, 30,
     kSafeUntil},
    {"ended behind its safe mode", Known::kTorn, 27, Before{.safe_until = 30}, kProgress, 30},
    {"ended in it, cleanly", Known::kConsistent, 27, Before{.applied = 27, .safe_until = 40},
     kProgress, 27},
    {"ended in it, the checkpoint was lost", Known::kNothing, 100, Before{.safe_until = 40},
     kNoCheckpoint, 30, 40},
};

std::optional<ProgressTable::Previous> previous_of(const std::optional<Before>& before) {
  if (!before) return {};
  ProgressTable::Previous previous{.state = {.commit_ts = CommitTs(before->applied)},
                                   .checkpoint_ts = CommitTs(before->started),
                                   .announced_ts = CommitTs(27),
                                   .saved_ts = CommitTs(25),
                                   .late_ts = CommitTs(18),
                                   .safe_until = CommitTs(before->safe_until)};
  if (before->span_end != 0) {
    previous.state.add(CommitTs(before->applied + 5), CommitTs(before->span_end));
  }
  return previous;
}

MysqlSinkOptions options_of(const Case& c) {
  MysqlSinkOptions options;
  options.checkpoint_ts = CommitTs(c.checkpoint);
  options.has_checkpoint = c.known == Known::kTorn || c.known == Known::kConsistent;
  options.is_consistent = c.known == Known::kConsistent;
  options.is_start_given = c.known == Known::kStart;
  options.safe_until = CommitTs(kSafeUntil);
  return options;
}

TEST_CASE("sink start: the checkpoint or the downstream is believed") {
  const Case c = GENERATE(from_range(kCases));
  INFO(c.name);
  const auto previous = previous_of(c.before);
  const SinkStart start = decide_start(options_of(c), previous);
  CHECK(static_cast<int>(start.reason) == static_cast<int>(c.reason));
  CHECK(start.state.commit_ts == CommitTs(c.start));
  CHECK(start.safe_until == CommitTs(c.safe_until));
  const bool goes_on = c.reason == kProgress || c.reason == kNoCheckpoint;
  // What is known above the mark counts only where the progress is believed.
  CHECK((goes_on || start.state.spans.empty()));
  CHECK(start.checkpoint_ts == CommitTs(c.reason == kNoCheckpoint ? c.start : c.checkpoint));
}

TEST_CASE("sink start: what a crashed run holds above its mark is not applied again") {
  const Case crashed{"", Known::kTorn, 27, Before{.span_end = 40}, kProgress, 30};
  const SinkStart start = decide_start(options_of(crashed), previous_of(crashed.before));
  CHECK(start.state.commit_ts == CommitTs(30));
  CHECK_FALSE(start.state.contains(CommitTs(33)));
  CHECK(start.state.contains(CommitTs(38)));
}

}  // namespace
}  // namespace drainer::mysql
