#include "drainer/base/log.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>

#include <spdlog/logger.h>
#include <spdlog/sinks/sink.h>

#include "drainer/base/files.h"
#include "drainer/base/log_control.h"
#include "drainer/base/utf8.h"

namespace drainer {

namespace {

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarn:
      return "WARN";
    case LogLevel::kError:
      return "ERROR";
    case LogLevel::kFatal:
      return "FATAL";
  }
  return "INFO";
}

void append_quoted(std::string& out, std::string_view text) {
  const bool plain = std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || c == '\\' || c == '"' || c == '[' || c == ']' || c == '=' ||
           byte >= 0x80;
  });
  if (plain) {
    out += text;
    return;
  }
  const bool quote = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == '\\' || c == '"' || c == '[' || c == ']' ||
           c == '=';
  });
  if (quote) out += '"';
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) {
      const size_t length = utf8_length(text.substr(i));
      if (length == 0) {
        out += "\\ufffd";
        ++i;
      } else {
        out += text.substr(i, length);
        i += length;
      }
      continue;
    }
    ++i;
    if (c == '\\' || c == '"') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  if (quote) out += '"';
}

std::string format_time(std::chrono::system_clock::time_point now) {
  const auto since_epoch = now.time_since_epoch();
  const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count();
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count() % 1000;
  std::tm local{};
  localtime_r(&seconds, &local);
  const long offset = local.tm_gmtoff / 60;
  return fmt::format("[{:04}/{:02}/{:02} {:02}:{:02}:{:02}.{:03} {}{:02}:{:02}] ",
                     local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour,
                     local.tm_min, local.tm_sec, millis, offset < 0 ? '-' : '+',
                     std::abs(offset) / 60, std::abs(offset) % 60);
}

// Takes whole lines; what it cannot write is counted. spdlog's own file sinks know neither the
// names of lumberjack nor a full disk.
class LineSink final : public spdlog::sinks::sink {
 public:
  explicit LineSink(std::unique_ptr<LogFile> file) : file_(std::move(file)) {}

  void log(const spdlog::details::log_msg& message) override {
    const std::string_view line(message.payload.data(), message.payload.size());
    if (file_ ? file_->write(line) : write_all(STDOUT_FILENO, line)) return;
    if (lost_lines.fetch_add(1) == 0) {
      std::fprintf(stderr, "drainer: write log: %s\n", std::strerror(errno));
    }
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  // Past all locks and counts.
  void write_last(std::string_view line) {
    if (file_) {
      file_->write_last(line);
    } else {
      (void)write_all(STDOUT_FILENO, line);
    }
  }

  LogFile* file() { return file_.get(); }

  std::atomic<uint64_t> lost_lines{0};

 private:
  const std::unique_ptr<LogFile> file_;
};

struct LogState {
  std::atomic<LogLevel> level{LogLevel::kInfo};
  // Set once, before other threads log.
  std::shared_ptr<LineSink> sink;
  std::unique_ptr<spdlog::logger> logger;

  LogState() { use(nullptr); }
  void use(std::unique_ptr<LogFile> file) {
    sink = std::make_shared<LineSink>(std::move(file));
    logger = std::make_unique<spdlog::logger>("drainer", sink);
  }
};

LogState& log_state() {
  static LogState state;
  return state;
}

}  // namespace

Result<void> open_log(const LogOptions& options) {
  if (!options.file.empty()) return open_log_file(options.level, {.path = options.file});
  log_state().level = options.level;
  return {};
}

Result<void> open_log_file(LogLevel level, LogFile::Options options) {
  LogState& state = log_state();
  state.level = level;
  ASSIGN_OR_RETURN(std::unique_ptr<LogFile> file, LogFile::open(std::move(options)));
  state.use(std::move(file));
  return {};
}

void reopen_log() {
  LogFile* const file = log_state().sink->file();
  if (file == nullptr) return;
  const Result<void> opened = file->reopen();
  if (!opened.ok()) log_error("the log goes on in the old file", {{"error", opened.error()}});
}

Result<LogLevel> parse_log_level(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (lower == "debug") return LogLevel::kDebug;
  if (lower == "info" || lower.empty()) return LogLevel::kInfo;
  if (lower == "warn") return LogLevel::kWarn;
  if (lower == "error") return LogLevel::kError;
  if (lower == "dpanic" || lower == "panic" || lower == "fatal") return LogLevel::kFatal;
  return make_error(ErrorCode::kInvalid, "unrecognized level: \"{}\"", text);
}

bool log_enabled(LogLevel level) {
  return level >= log_state().level.load();
}

std::string format_log_line(LogLevel level, std::string_view message, LogFields fields,
                            std::string_view file, uint32_t line) {
  if (const size_t slash = file.rfind('/'); slash != std::string_view::npos) {
    file.remove_prefix(slash + 1);
  }
  std::string out = fmt::format("[{}] [{}:{}]", level_name(level), file, line);
  if (!message.empty()) {
    out += " [";
    append_quoted(out, message);
    out += ']';
  }
  for (const LogField& field : fields) {
    out += " [";
    append_quoted(out, field.key);
    out += '=';
    append_quoted(out, field.value);
    out += ']';
  }
  return out;
}

namespace {

std::string whole_line(LogLevel level, std::string_view message, LogFields fields,
                       std::string_view file, uint32_t line) {
  return format_time(std::chrono::system_clock::now()) +
         format_log_line(level, message, fields, file, line) + '\n';
}

// The first lost line is told of on standard error, all of them once the log takes lines again.
void write_line(LogLevel level, std::string_view message, LogFields fields,
                const std::source_location& where) {
  LogState& state = log_state();
  const std::string line = whole_line(level, message, fields, where.file_name(), where.line());
  const uint64_t lost_before = state.sink->lost_lines.load();
  state.logger->log(spdlog::level::info, line);
  if (lost_before == 0 || state.sink->lost_lines.load() != lost_before) return;
  if (const uint64_t lost = state.sink->lost_lines.exchange(0); lost > 0) {
    log_warn("log lines were lost", {{"lines", lost}});
  }
}

}  // namespace

void log_line(LogLevel level, std::string_view message, LogFields fields,
              const std::source_location& where) {
  if (log_enabled(level)) write_line(level, message, fields, where);
}

void log_always(std::string_view message, LogFields fields, const std::source_location& where) {
  write_line(LogLevel::kInfo, message, fields, where);
}

void log_last_words(std::string_view message, std::string_view file, uint32_t line) {
  log_state().sink->write_last(whole_line(LogLevel::kFatal, message, {}, file, line));
}

}  // namespace drainer
