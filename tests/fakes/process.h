#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace drainer::fakes {

/// A program started by a test: its output goes to a file, it is killed when the object goes.
/// One thread.
class Process {
 public:
  /// Starts `arguments[0]`; standard output and error are appended to `log_file`. With
  /// `wants_stdout`, standard output can be read by wait_for_line() instead.
  static std::unique_ptr<Process> start(const std::vector<std::string>& arguments,
                                        const std::string& log_file, bool wants_stdout = false);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// The first line of standard output that begins with `prefix`; nothing if the program ended or
  /// `limit` passed before.
  std::optional<std::string> wait_for_line(const std::string& prefix, std::chrono::seconds limit);

  void send_signal(int signal);
  pid_t pid() const { return pid_; }
  /// Waits for the end: the exit code, or 128 + signal. Nothing when still running after `limit`.
  std::optional<int> wait(std::chrono::milliseconds limit);
  std::optional<int> wait_ms(int limit_ms) { return wait(std::chrono::milliseconds(limit_ms)); }
  bool is_running();

 private:
  Process(pid_t pid, int pid_fd, int stdout_fd)
      : pid_(pid), pid_fd_(pid_fd), stdout_fd_(stdout_fd) {}

  pid_t pid_;
  int pid_fd_;
  int stdout_fd_;
  std::string pending_;
  std::optional<int> exit_code_;
};

/// A TCP port on 127.0.0.1 that nobody uses right now, and that no outgoing connection gets. One
/// thread.
int free_port();

/// A new empty directory below the build folder, removed with the object.
class TempDir {
 public:
  explicit TempDir(const std::string& name);
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Whole file as bytes; empty when it cannot be read.
std::string read_file(const std::string& path);
/// As read_file, unpacked by zlib when it is a gzip file.
std::string read_gzip(const std::string& path);
void write_file(const std::string& path, const std::string& content);

}  // namespace drainer::fakes
