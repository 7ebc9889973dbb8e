#include "drainer/print_command.h"

#include <cstdio>
#include <memory>
#include <utility>

#include "drainer/base/log.h"
#include "drainer/command_flags.h"
#include "drainer/standard_output.h"
#include "drainer/txn_text.h"
#include "syncer/file/locked_file.h"
#include "syncer/kafka/message_reader.h"
#include "syncer/relay/txn_source.h"

namespace drainer {

namespace {

using Append = Result<void> (*)(std::string&, const Txn&);

struct PrintSettings {
  relay::SourceOptions source;
  relay::RecordFormat format = relay::RecordFormat::kDetect;
  enum class Messages : uint8_t { kNone, kOne, kFrames } messages = Messages::kNone;
  Append append = append_lines;
};

constexpr std::string_view kHelpHead =
    "Usage: drainer print [flags] DIRECTORY|FILE…\n\n"
    "Shows the transactions in pb files, relay logs or Kafka messages on standard output.\n\n"
    "Flags:\n";

Result<void> set_format(PrintSettings& settings, const std::string& name) {
  if (name == "file") {
    settings.format = relay::RecordFormat::kFile;
  } else if (name == "relay") {
    settings.format = relay::RecordFormat::kRelay;
  } else if (name == "message") {
    settings.messages = PrintSettings::Messages::kOne;
  } else if (name == "frames") {
    settings.messages = PrintSettings::Messages::kFrames;
  } else if (name != "auto") {
    return make_error(ErrorCode::kInvalid, "\"{}\" is none of auto, file, relay, message, frames",
                      name);
  }
  return {};
}

Result<void> set_output(PrintSettings& settings, const std::string& name) {
  if (name == "text") {
    settings.append = append_lines;
  } else if (name == "json") {
    settings.append = append_json;
  } else if (name == "sql") {
    settings.append = append_sql;
  } else {
    return make_error(ErrorCode::kInvalid, "\"{}\" is none of text, json, sql", name);
  }
  return {};
}

std::vector<CommandFlag> flags_of(PrintSettings& settings) {
  relay::SourceOptions& source = settings.source;
  return {
      {"output", "text|json|sql", "Text in the manner of reparo, a JSON object per line, or SQL.",
       [&](const std::string& v) { return set_output(settings, v); }},
      {"json", "", "The same as -output json.",
       [&](bool is_on) {
         if (is_on) settings.append = append_json;
       }},
      {"format", "auto|file|relay|message|frames",
       "What the files hold: records of pb files or relay logs, one Kafka message, or many of "
       "them, "
       "each behind its length in 4 bytes, big-endian; auto tells records apart.",
       [&](const std::string& v) { return set_format(settings, v); }},
      {"start-ts", "TS", "First commit ts to show.", set_commit_ts(source.start)},
      {"stop-ts", "TS", "Last commit ts to show.", set_commit_ts(source.stop)},
      {"start-time", "'YYYY-MM-DD hh:mm:ss'", "The same as local time.",
       set_local_time(source.start)},
      {"stop-time", "'YYYY-MM-DD hh:mm:ss'", "The same as local time: up to its first commit ts.",
       set_local_time(source.stop)},
      {"skip-damage", "", "Go on behind damaged records.", set_switch(source.skips_damage)},
  };
}

Result<void> print(const Txn& txn, Append append) {
  std::string text;
  TRY(append(text, txn));
  return write_output(text);
}

Result<void> print_records(const PrintSettings& settings, const std::string& path) {
  relay::SourceOptions options = settings.source;
  options.path = path;
  ASSIGN_OR_RETURN(relay::TxnSource source,
                   relay::TxnSource::open(options, settings.format, ZonePair()));
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<Txn> txn, source.next());
    if (!txn) return {};
    TRY(print(*txn, settings.append));
  }
}

Result<void> print_message(const PrintSettings& settings, kafka::MessageReader& reader,
                           ByteView message) {
  ASSIGN_OR_RETURN(const Txn txn, reader.read(std::make_shared<const Bytes>(message)));
  if (txn.commit_ts < settings.source.start || txn.commit_ts > settings.source.stop) return {};
  return print(txn, settings.append);
}

Result<void> print_messages(const PrintSettings& settings, const std::string& path) {
  ASSIGN_OR_RETURN(const file::MappedFile mapped, file::MappedFile::open(path));
  kafka::MessageReader reader({});
  ByteView rest = mapped.content();
  if (settings.messages == PrintSettings::Messages::kOne) {
    return print_message(settings, reader, rest);
  }
  while (!rest.empty()) {
    const uint64_t offset = mapped.content().size() - rest.size();
    const uint32_t size = rest.size() < 4 ? 0 : load_be32(rest.data());
    if (rest.size() < 4 || rest.size() - 4 < size) {
      return make_error(ErrorCode::kCorrupt, "{} offset {}: message cut off", path, offset);
    }
    if (Result<void> printed = print_message(settings, reader, rest.substr(4, size));
        !printed.ok()) {
      return std::move(printed).error().because("{} offset {}", path, offset);
    }
    rest.remove_prefix(4 + size);
  }
  return {};
}

int report(const Error& error) {
  std::fflush(stdout);
  std::fprintf(stderr, "drainer print: %s\n", error.to_string().c_str());
  return 1;
}

}  // namespace

int print_command(std::span<const std::string> arguments) {
  // Standard output is for what is printed.
  (void)open_log({.level = LogLevel::kError, .file = ""});
  PrintSettings settings;
  const std::vector<CommandFlag> flags = flags_of(settings);
  const Result<CommandArguments> rest =
      parse_command_flags(arguments, flags, /*passes_drainer_flags=*/false);
  if (!rest.ok()) return report(rest.error());
  if (rest->wants_help) {
    std::fputs((std::string(kHelpHead) + command_flags_help(flags)).c_str(), stdout);
    return 0;
  }
  if (rest->positional.empty()) {
    return report(make_error(ErrorCode::kInvalid, "give files to print; see -help"));
  }
  for (const std::string& path : rest->positional) {
    const bool is_records = settings.messages == PrintSettings::Messages::kNone;
    const Result<void> printed =
        is_records ? print_records(settings, path) : print_messages(settings, path);
    if (!printed.ok()) return report(printed.error());
  }
  const Result<void> flushed = flush_output();
  return flushed.ok() ? 0 : report(flushed.error());
}

}  // namespace drainer
