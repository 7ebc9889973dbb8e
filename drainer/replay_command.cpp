#include "drainer/replay_command.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>
#include <variant>

#include "conf/load.h"
#include "drainer/base/fnv1a.h"
#include "drainer/base/log.h"
#include "drainer/command_flags.h"
#include "drainer/downstream_progress.h"
#include "drainer/end_signals.h"
#include "drainer/local_time.h"
#include "drainer/replay.h"
#include "drainer/replay_filter.h"
#include "drainer/rules.h"
#include "drainer/sinks.h"
#include "drainer/standard_output.h"
#include "drainer/txn_text.h"
#include "syncer/checkpoint/open_checkpoint.h"
#include "syncer/mysql/progress_table.h"
#include "syncer/mysql/session/downstream.h"

namespace drainer {

namespace {

constexpr int kExitNotBegun = 1;
constexpr int kExitFailed = 2;
constexpr int kExitInterrupted = 3;

struct ReplaySettings {
  relay::SourceOptions source;
  relay::RecordFormat format = relay::RecordFormat::kDetect;
  std::string time_zone;
  std::string task;
  bool is_dry_run = false;
  bool shows_progress = ::isatty(STDERR_FILENO) != 0;
};

constexpr std::string_view kHelpHead =
    "Usage: drainer replay [flags] DIRECTORY|FILE\n\n"
    "Applies the transactions of pb files (db-type = \"file\") or of a relay log to the "
    "downstream\n"
    "of the configuration file, each exactly once: interrupted, or killed, the next call goes on\n"
    "where this one was; a -start-ts by which it would repeat or skip something is refused.\n"
    "All flags and keys of drainer that concern the downstream and filters work here too, such as\n"
    "-config, -dest-db-type, -c, -L, [syncer.to], replicate-do-db.\n\n"
    "Flags:\n";

Result<void> set_format(relay::RecordFormat& format, const std::string& name) {
  if (name == "file") {
    format = relay::RecordFormat::kFile;
  } else if (name == "relay") {
    format = relay::RecordFormat::kRelay;
  } else if (name != "auto") {
    return make_error(ErrorCode::kInvalid, "\"{}\" is none of auto, file, relay", name);
  }
  return {};
}

std::vector<CommandFlag> flags_of(ReplaySettings& settings) {
  relay::SourceOptions& source = settings.source;
  return {
      {"data-dir", "DIR", "The directory or file to read, as in reparo.", set_text(source.path)},
      {"start-ts", "TS", "First commit ts to apply: where a new task begins.",
       set_commit_ts(source.start)},
      {"stop-ts", "TS", "Last commit ts to apply.", set_commit_ts(source.stop)},
      {"start-time", "'YYYY-MM-DD hh:mm:ss'", "The same as local time.",
       set_local_time(source.start)},
      {"stop-time", "'YYYY-MM-DD hh:mm:ss'", "The same as local time: up to its first commit ts.",
       set_local_time(source.stop)},
      {"format", "auto|file|relay", "What the files hold; auto finds it out.",
       [&](const std::string& v) { return set_format(settings.format, v); }},
      {"time-zone", "ZONE",
       "Zone of the drainer that wrote the files, for TIMESTAMPs; default: this process's.",
       set_text(settings.time_zone)},
      {"task", "NAME",
       "Name under which the progress is kept downstream; default: the path. A new name begins "
       "anew; a known one goes on, without -start-ts, where it was.",
       set_text(settings.task)},
      {"dry-run", "",
       "Print the SQL of the transactions that the filters leave instead of executing it; needs no "
       "downstream.",
       set_switch(settings.is_dry_run)},
      {"skip-damage", "", "Go on behind damaged records, whose transactions are lost.",
       set_switch(source.skips_damage)},
      {"progress", "", "Show a progress bar on standard error; default: if it is a terminal.",
       set_switch(settings.shows_progress)},
  };
}

int report(const Error& error, int code) {
  log_error("replay failed", {{"error", error}});
  std::fprintf(stderr, "drainer replay: %s\n", error.to_string().c_str());
  return code;
}

// Cluster ids are PD's; a task's id is a number that none of them is likely to have.
uint64_t id_of_task(const std::string& task) {
  return fnv1a("replay " + task);
}

Result<std::string> task_of(const ReplaySettings& settings) {
  if (!settings.task.empty()) return settings.task;
  std::error_code failure;
  const auto path = std::filesystem::canonical(settings.source.path, failure);
  if (failure) {
    return make_error(ErrorCode::kNotFound, "{}: {}", settings.source.path, failure.message());
  }
  return path.string();
}

// A line on standard error, rewritten in place.
class ProgressBar {
 public:
  explicit ProgressBar(const Clock& clock) : clock_(clock), begun_(clock.now()) {}

  void show(const Replay::Figures& figures, bool is_last) {
    const TimePoint now = clock_.now();
    if (!is_last && now - shown_ < std::chrono::milliseconds(200)) return;
    shown_ = now;
    constexpr uint64_t kWidth = 30;
    const uint64_t total = std::max<uint64_t>(figures.bytes_total, 1);
    const uint64_t filled = figures.bytes_read * kWidth / total;
    const double seconds = std::chrono::duration<double>(now - begun_).count();
    std::fprintf(
        stderr, "\r[%-30s] %3d%%  %s  %lu rows  %.0f rows/s%s", std::string(filled, '#').c_str(),
        static_cast<int>(figures.bytes_read * 100 / total),
        local_time_text(figures.applied_ts).c_str(), figures.applied_rows,
        static_cast<double>(figures.applied_rows) / std::max(seconds, 0.001), is_last ? "\n" : "");
    std::fflush(stderr);
  }

 private:
  const Clock& clock_;
  const TimePoint begun_;
  TimePoint shown_{};
};

Result<relay::TxnSource> open_source(const ReplaySettings& settings, const tidb::TimeZone& wanted) {
  ZonePair zones;
  ASSIGN_OR_RETURN(zones.written, settings.time_zone.empty()
                                      ? tidb::TimeZone::local()
                                      : tidb::TimeZone::load(settings.time_zone));
  zones.wanted = wanted;
  relay::SourceOptions source = settings.source;
  // Rows behind the start may stand under names that a RENAME before it has made old.
  source.has_early_ddl = source.start.value > 0;
  return relay::TxnSource::open(std::move(source), settings.format, std::move(zones));
}

Result<void> print_sql(relay::TxnSource& source, const SyncerRules& rules) {
  const ReplayFilter filter(rules);
  // The session that the SQL is for: zone of the TIMESTAMPs, foreign keys checked upstream.
  std::string text = "SET NAMES utf8mb4;\nSET time_zone='+00:00',foreign_key_checks=0;\n";
  TRY(write_output(text));
  while (true) {
    ASSIGN_OR_RETURN(std::optional<Txn> txn, source.next());
    if (!txn) return flush_output();
    filter.apply(*txn);
    text.clear();
    TRY(append_sql(text, *txn));
    TRY(write_output(text));
  }
}

int dry_run(const ReplaySettings& settings, const Options& options) {
  const Result<SyncerRules> rules = make_rules(options);
  if (!rules.ok()) return report(rules.error(), kExitNotBegun);
  Result<relay::TxnSource> source = open_source(settings, tidb::TimeZone());
  if (!source.ok()) return report(source.error(), kExitNotBegun);
  const Result<void> printed = print_sql(*source, *rules);
  return printed.ok() ? 0 : report(printed.error(), kExitFailed);
}

using Progress = mysql::ProgressTable::Previous;

// A task goes on where it is, whatever the start: that must ask for nothing else.
Result<void> check_start(const ReplaySettings& settings, const std::string& task,
                         const Progress& progress) {
  const relay::SourceOptions& source = settings.source;
  if (source.start <= progress.checkpoint_ts) {
    return make_error(ErrorCode::kInvalid,
                      "-start-ts {}: the task \"{}\" began behind commit ts {} and has left out "
                      "what lies before; it goes on behind commit ts {} without -start-ts, give "
                      "another -task to begin anew",
                      source.start, task, progress.checkpoint_ts, progress.state.commit_ts);
  }
  relay::SourceOptions between = source;
  between.may_overlap = settings.format != relay::RecordFormat::kFile;
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

// Where the task is or begins; raises the start of the source to what lies behind it.
Result<SavePoint> find_begin(ReplaySettings& settings, const std::string& task,
                             const Options& options) {
  SavePoint before;
  before.commit_ts = CommitTs(std::max<int64_t>(settings.source.start.value - 1, 0));
  ASSIGN_OR_RETURN(const std::optional<Progress> progress,
                   find_progress(options, id_of_task(task)));
  if (!progress) return before;
  if (settings.source.start.value > 0) TRY(check_start(settings, task, *progress));
  // The sink takes a lower one for a wish to begin again there.
  before.commit_ts = progress->checkpoint_ts;
  settings.source.start =
      std::max(settings.source.start, CommitTs(progress->checkpoint_ts.value + 1));
  return before;
}

// All that a replay needs, before it begins. Plain data.
struct Opened {
  SyncerRules rules;
  std::unique_ptr<EndSignals> signals;
  std::unique_ptr<Sink> sink;
  relay::TxnSource source;
  CommitTs start;    ///< the first commit ts that is wanted; 0: all
  CommitTs applied;  ///< by the calls before
};

Result<Opened> open(ReplaySettings settings, const Options& options, Clock& clock) {
  ASSIGN_OR_RETURN(const std::string task, task_of(settings));
  ASSIGN_OR_RETURN(SyncerRules rules, make_rules(options));
  if (!is_database(options.syncer.db_type)) {
    return make_error(ErrorCode::kUnsupported, "syncer.db-type {}: replay writes to mysql or tidb",
                      options.syncer.db_type);
  }
  ASSIGN_OR_RETURN(std::unique_ptr<EndSignals> signals, EndSignals::open());
  ASSIGN_OR_RETURN(const SavePoint before, find_begin(settings, task, options));
  ASSIGN_OR_RETURN(
      std::unique_ptr<Sink> sink,
      open_sink(options, {.cluster_id = id_of_task(task), .save_point = before, .is_replay = true},
                clock, signals->tokens().in_order));
  const CommitTs applied = sink->resume_from(before.commit_ts);
  ASSIGN_OR_RETURN(relay::TxnSource source, open_source(settings, sink->time_zone()));
  TRY(add_downstream_tables(source, applied, options));
  log_info("replay begins", {{"path", settings.source.path}, {"task", task}, {"after", applied}});
  return Opened{.rules = std::move(rules),
                .signals = std::move(signals),
                .sink = std::move(sink),
                .source = std::move(source),
                .start = settings.source.start,
                .applied = applied};
}

Result<int> run(Opened& opened, bool shows_progress, Clock& clock) {
  Replay replay(opened.source, opened.rules, *opened.sink, opened.applied, clock);
  ProgressBar bar(clock);
  Result<void> done = replay.run(opened.signals->tokens(), [&] {
    if (shows_progress) bar.show(replay.figures(), /*is_last=*/false);
  });
  const Replay::Figures figures = replay.figures();
  if (shows_progress) bar.show(figures, /*is_last=*/true);
  if (!done.ok()) {
    if (done.error().code() == ErrorCode::kNotFound && opened.start.value > 0) {
      done = std::move(done).error().because(
          "a RENAME TABLE of several before the start {}, which the files do not hold, may be the "
          "reason",
          opened.start);
    }
    return std::move(done).error().because("everything up to commit ts {} is applied",
                                           figures.applied_ts);
  }
  log_info("replay ends", {{"complete", replay.is_complete()},
                           {"applied", figures.applied_ts},
                           {"rows", figures.applied_rows}});
  return opened.signals->has_come() && !replay.is_complete() ? kExitInterrupted : 0;
}

int report_end(const Error& error, int code) {
  return error.code() == ErrorCode::kStopped ? kExitInterrupted : report(error, code);
}

int apply(const ReplaySettings& settings, const Options& options) {
  SystemClock clock;
  Result<Opened> opened = open(settings, options, clock);
  if (!opened.ok()) return report_end(opened.error(), kExitNotBegun);
  const Result<int> code = run(*opened, settings.shows_progress, clock);
  return code.ok() ? *code : report_end(code.error(), kExitFailed);
}

}  // namespace

int replay_command(std::span<const std::string> arguments) {
  ReplaySettings settings;
  const std::vector<CommandFlag> flags = flags_of(settings);
  const Result<CommandArguments> rest =
      parse_command_flags(arguments, flags, /*passes_drainer_flags=*/true);
  if (!rest.ok()) return report(rest.error(), kExitNotBegun);
  if (rest->wants_help) {
    std::fputs((std::string(kHelpHead) + command_flags_help(flags)).c_str(), stdout);
    return 0;
  }
  if (settings.source.path.empty() && rest->positional.size() == 1) {
    settings.source.path = rest->positional[0];
  } else if (!rest->positional.empty() || settings.source.path.empty()) {
    return report(
        make_error(ErrorCode::kInvalid, "give one directory or file to replay; see -help"),
        kExitNotBegun);
  }
  // Standard output is for the SQL, from the first remark on the configuration.
  if (settings.is_dry_run) {
    if (const Result<void> opened = open_log({.level = LogLevel::kFatal, .file = ""});
        !opened.ok()) {
      return report(opened.error(), kExitNotBegun);
    }
  }
  auto loaded = load_options(rest->drainer_flags, process_environment);
  if (!loaded.ok()) return report(loaded.error(), kExitNotBegun);
  if (const auto* print = std::get_if<PrintAndExit>(&*loaded)) {
    std::fputs(print->text.c_str(), print->to_stderr ? stderr : stdout);
    return print->code;
  }
  const Options options = std::get<Options>(std::move(*loaded));
  const Result<LogLevel> level = parse_log_level(options.log_level);
  if (!level.ok()) return report(level.error(), kExitNotBegun);
  if (!settings.is_dry_run || !options.log_file.empty()) {
    const Result<void> opened = open_log({.level = *level, .file = options.log_file});
    if (!opened.ok()) return report(opened.error(), kExitNotBegun);
  }
  return settings.is_dry_run ? dry_run(settings, options) : apply(settings, options);
}

}  // namespace drainer
