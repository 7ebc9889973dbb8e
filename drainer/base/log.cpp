#include "drainer/base/log.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <memory>

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace drainer {

namespace {

constexpr size_t kLogFileBytesMax = 300u << 20;
constexpr size_t kLogFilesMax = 200;

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

// Length of the valid UTF-8 sequence at the start of `text`, or 0.
size_t utf8_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  size_t length = lead < 0x80                   ? 1
                  : lead >= 0xc2 && lead < 0xe0 ? 2
                  : (lead & 0xf0) == 0xe0       ? 3
                  : lead >= 0xf0 && lead < 0xf5 ? 4
                                                : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  }
  const auto second = length > 1 ? static_cast<unsigned char>(text[1]) : 0;
  if (lead == 0xe0 && second < 0xa0) return 0;
  if (lead == 0xed && second >= 0xa0) return 0;
  if (lead == 0xf0 && second < 0x90) return 0;
  if (lead == 0xf4 && second >= 0x90) return 0;
  return length;
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

struct LogState {
  std::atomic<LogLevel> level{LogLevel::kInfo};
  std::shared_ptr<spdlog::logger> logger;

  LogState() { use(std::make_shared<spdlog::sinks::stdout_sink_mt>()); }

  void use(spdlog::sink_ptr sink) {
    auto next = std::make_shared<spdlog::logger>("drainer", std::move(sink));
    next->set_pattern("%v");
    next->set_level(spdlog::level::trace);
    next->flush_on(spdlog::level::trace);
    std::atomic_store(&logger, std::move(next));
  }
};

LogState& log_state() {
  static LogState state;
  return state;
}

}  // namespace

Result<void> open_log(const LogOptions& options) {
  LogState& state = log_state();
  state.level = options.level;
  if (options.file.empty()) return {};
  if (std::filesystem::is_directory(options.file)) {
    return make_error(ErrorCode::kInvalid, "can't use directory as log file name");
  }
  try {
    const mode_t before = umask(0077);
    auto sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
        options.file, kLogFileBytesMax, kLogFilesMax);
    umask(before);
    state.use(std::move(sink));
  } catch (const spdlog::spdlog_ex& e) {
    return make_error(ErrorCode::kInvalid, "open log file {}: {}", options.file, e.what());
  }
  return {};
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

void log_line(LogLevel level, std::string_view message, LogFields fields,
              const std::source_location& where) {
  LogState& state = log_state();
  if (!log_enabled(level)) return;
  std::string line = format_time(std::chrono::system_clock::now());
  line += format_log_line(level, message, fields, where.file_name(), where.line());
  std::atomic_load(&state.logger)->log(spdlog::level::info, line);
}

}  // namespace drainer
