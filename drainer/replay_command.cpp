#include "drainer/replay_command.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>
#include <variant>

#include "conf/load.h"
#include "drainer/base/log.h"
#include "drainer/command_flags.h"
#include "drainer/end_signals.h"
#include "drainer/local_time.h"
#include "drainer/replay.h"
#include "drainer/replay_begin.h"
#include "drainer/replay_filter.h"
#include "drainer/rules.h"
#include "drainer/sinks.h"
#include "drainer/standard_output.h"
#include "drainer/txn_text.h"
#include "syncer/checkpoint/open_checkpoint.h"
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
    "where this one was; a -start-ts by which it would repeat or skip something is refused. So is\n"
    "a relay log of which the downstream holds something by a drainer or another task, unless\n"
    "-start-ts says where to begin: the drainer itself completes what it has begun (README).\n"
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

Result<relay::RecordFormat> find_format(const ReplaySettings& settings) {
  if (settings.format != relay::RecordFormat::kDetect) return settings.format;
  ASSIGN_OR_RETURN(const relay::TxnSource source, open_source(settings, tidb::TimeZone()));
  return source.format();
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
  ASSIGN_OR_RETURN(const relay::RecordFormat format, find_format(settings));
  ASSIGN_OR_RETURN(const SavePoint before,
                   find_replay_begin(settings.source, format, task, options));
  ASSIGN_OR_RETURN(
      std::unique_ptr<Sink> sink,
      open_sink(options,
                {.cluster_id = id_of_replay(task), .save_point = before, .is_replay = true}, clock,
                signals->tokens().in_order));
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
