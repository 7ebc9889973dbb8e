#pragma once

#include "drainer/base/log.h"
#include "drainer/base/log_file.h"

/// What the owner of the process does with its log, besides open_log() of log.h.
namespace drainer {

/// From here on the log goes to this file. Before other threads log.
Result<void> open_log_file(LogLevel level, LogFile::Options options);

/// Goes on in a fresh file of the same name, after somebody has moved the present one away.
void reopen_log();

/// As log_info(), but whatever the level is.
void log_always(std::string_view message, LogFields fields,
                const std::source_location& where = std::source_location::current());

/// The FATAL line of a program that aborts. Takes no lock, since this thread may hold that of the
/// log, and begins no new file. Any thread.
void log_last_words(std::string_view message, std::string_view file, uint32_t line);

}  // namespace drainer
