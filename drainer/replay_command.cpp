#include "drainer/replay_command.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>
#include <variant>

#include "conf/load.h"
#include "drainer/base/log.h"
#include "drainer/command_flags.h"
#include "drainer/end_signals.h"
#include "drainer/replay.h"
#include "drainer/replay_filter.h"
#include "drainer/rules.h"
#include "drainer/sinks.h"
#include "drainer/txn_text.h"
#include "syncer/checkpoint/open_checkpoint.h"
#include "syncer/mysql/downstream.h"
#include "syncer/mysql/progress_table.h"

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

std::optional<std::string> environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

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

Result<void> set_ts(CommitTs& out, Result<CommitTs> parsed) {
  ASSIGN_OR_RETURN(out, std::move(parsed));
  return {};
}

std::vector<CommandFlag> flags_of(ReplaySettings& settings) {
  relay::SourceOptions& source = settings.source;
  const auto turn_on = [](bool& value) {
    return [&value](const std::string& text) -> Result<void> {
      value = text != "false";
      return {};
    };
  };
  return {
      {"data-dir", "DIR", "The directory or file to read, as in reparo.",
       [&](const std::string& v) -> Result<void> {
         source.path = v;
         return {};
       }},
      {"start-ts", "TS", "First commit ts to apply: where a new task begins.",
       [&](const std::string& v) { return set_ts(source.start, parse_commit_ts(v)); }},
      {"stop-ts", "TS", "Last commit ts to apply.",
       [&](const std::string& v) { return set_ts(source.stop, parse_commit_ts(v)); }},
      {"start-time", "'YYYY-MM-DD hh:mm:ss'", "The same as local time.",
       [&](const std::string& v) { return set_ts(source.start, parse_local_time(v)); }},
      {"stop-time", "'YYYY-MM-DD hh:mm:ss'", "The same as local time: up to its first commit ts.",
       [&](const std::string& v) { return set_ts(source.stop, parse_local_time(v)); }},
      {"format", "auto|file|relay", "What the files hold; auto finds it out.",
       [&](const std::string& v) { return set_format(settings.format, v); }},
      {"time-zone", "ZONE",
       "Zone of the drainer that wrote the files, for TIMESTAMPs; default: this process's.",
       [&](const std::string& v) -> Result<void> {
         settings.time_zone = v;
         return {};
       }},
      {"task", "NAME",
       "Name under which the progress is kept downstream; default: the path. A new name begins "
       "anew; a known one goes on, without -start-ts, where it was.",
       [&](const std::string& v) -> Result<void> {
         settings.task = v;
         return {};
       }},
      {"dry-run", "",
       "Print the SQL of the transactions that the filters leave instead of executing it; needs no "
       "downstream.",
       turn_on(settings.is_dry_run)},
      {"skip-damage", "", "Go on behind damaged records, whose transactions are lost.",
       turn_on(source.skips_damage)},
      {"progress", "", "Show a progress bar on standard error; default: if it is a terminal.",
       turn_on(settings.shows_progress)},
  };
}

int report(const Error& error, int code) {
  log_error("replay failed", {{"error", error}});
  std::fprintf(stderr, "drainer replay: %s\n", error.to_string().c_str());
  return code;
}

// Cluster ids are PD's; a task's id is a number that none of them is likely to have.
uint64_t id_of_task(const std::string& task) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : "replay " + task) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  }
  return hash;
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

Result<ZonePair> zones_of(const ReplaySettings& settings, const tidb::TimeZone& wanted) {
  ZonePair zones;
  ASSIGN_OR_RETURN(zones.written, settings.time_zone.empty()
                                      ? tidb::TimeZone::local()
                                      : tidb::TimeZone::load(settings.time_zone));
  zones.wanted = wanted;
  return zones;
}

Error output_error() {
  return make_error(ErrorCode::kUnavailable, "write to standard output: {}",
                    std::generic_category().message(errno));
}

Result<void> print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) return output_error();
  return {};
}

// Rows behind the start may stand under names that a RENAME before it has made old.
relay::SourceOptions with_early_ddl(relay::SourceOptions source) {
  source.has_early_ddl = source.start.value > 0;
  return source;
}

Result<void> dry_run(const ReplaySettings& settings, const Options& options) {
  ASSIGN_OR_RETURN(const SyncerRules rules, make_rules(options));
  const ReplayFilter filter(rules);
  ASSIGN_OR_RETURN(ZonePair zones, zones_of(settings, tidb::TimeZone()));
  ASSIGN_OR_RETURN(
      relay::TxnSource source,
      relay::TxnSource::open(with_early_ddl(settings.source), settings.format, std::move(zones)));
  // The session that the SQL is for: zone of the TIMESTAMPs, foreign keys checked upstream.
  std::string text = "SET NAMES utf8mb4;\nSET time_zone='+00:00',foreign_key_checks=0;\n";
  TRY(print(text));
  while (true) {
    ASSIGN_OR_RETURN(std::optional<Txn> txn, source.next());
    if (!txn) break;
    filter.apply(*txn);
    text.clear();
    TRY(append_sql(text, *txn));
    TRY(print(text));
  }
  if (std::fflush(stdout) != 0) return output_error();
  return {};
}

using Progress = mysql::ProgressTable::Previous;

// What the calls before have left of the task; nothing when it is new.
Result<std::optional<Progress>> find_progress(const std::string& task, const Options& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<mysql::Session> session,
                   mysql::Session::open(mysql::base_session_options(options.syncer.to)));
  const mysql::ProgressTable table(
      {.schema = checkpoint_schema(options), .cluster_id = id_of_task(task), .owner = {}});
  return table.find(*session);
}

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
  ASSIGN_OR_RETURN(const std::optional<Progress> progress, find_progress(task, options));
  if (!progress) return before;
  if (settings.source.start.value > 0) TRY(check_start(settings, task, *progress));
  // The sink takes a lower one for a wish to begin again there.
  before.commit_ts = progress->checkpoint_ts;
  settings.source.start =
      std::max(settings.source.start, CommitTs(progress->checkpoint_ts.value + 1));
  return before;
}

Result<int> apply(ReplaySettings settings, const Options& options) {
  SystemClock clock;
  ASSIGN_OR_RETURN(const std::string task, task_of(settings));
  ASSIGN_OR_RETURN(const SyncerRules rules, make_rules(options));
  if (!is_database(options.syncer.db_type)) {
    return make_error(ErrorCode::kUnsupported, "db-type {}: replay writes to mysql or tidb",
                      options.syncer.db_type);
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<EndSignals> signals, EndSignals::open());
  ASSIGN_OR_RETURN(const SavePoint before, find_begin(settings, task, options));
  ASSIGN_OR_RETURN(
      const std::unique_ptr<Sink> sink,
      open_sink(options, {.cluster_id = id_of_task(task), .save_point = before, .is_replay = true},
                clock, signals->tokens().in_order));
  ASSIGN_OR_RETURN(ZonePair zones, zones_of(settings, sink->time_zone()));
  const CommitTs applied = sink->resume_from(before.commit_ts);
  ASSIGN_OR_RETURN(
      relay::TxnSource source,
      relay::TxnSource::open(with_early_ddl(settings.source), settings.format, std::move(zones)));
  TRY(add_downstream_tables(source, applied, options));
  log_info("replay begins", {{"path", settings.source.path}, {"task", task}, {"after", applied}});
  Replay replay(source, rules, *sink, applied, clock);
  ProgressBar bar(clock);
  Result<void> done = replay.run(signals->tokens(), [&] {
    if (settings.shows_progress) bar.show(replay.figures(), /*is_last=*/false);
  });
  const Replay::Figures figures = replay.figures();
  if (settings.shows_progress) bar.show(figures, /*is_last=*/true);
  if (!done.ok()) {
    if (done.error().code() == ErrorCode::kNotFound && settings.source.start.value > 0) {
      done = std::move(done).error().because(
          "a RENAME TABLE of several before the start {}, which the files do not hold, may be the "
          "reason",
          settings.source.start);
    }
    return std::move(done).error().because("everything up to commit ts {} is applied",
                                           figures.applied_ts);
  }
  log_info("replay ends", {{"complete", replay.is_complete()},
                           {"applied", figures.applied_ts},
                           {"rows", figures.applied_rows}});
  return signals->has_come() && !replay.is_complete() ? kExitInterrupted : 0;
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
  auto loaded = load_options(rest->drainer_flags, environment);
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
  if (settings.is_dry_run) {
    const Result<void> printed = dry_run(settings, options);
    return printed.ok() ? 0 : report(printed.error(), kExitFailed);
  }
  const Result<int> code = apply(settings, options);
  if (code.ok()) return *code;
  if (code.error().code() == ErrorCode::kStopped) return kExitInterrupted;
  return report(code.error(), kExitFailed);
}

}  // namespace drainer
