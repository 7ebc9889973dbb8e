#include "tests/fakes/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

namespace drainer::fakes {

std::unique_ptr<Process> Process::start(const std::vector<std::string>& arguments,
                                        const std::string& log_file, bool wants_stdout) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  int pipe_fds[2] = {-1, -1};
  if (wants_stdout && pipe2(pipe_fds, O_CLOEXEC) != 0) return nullptr;
  const int log_fd = open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    dup2(wants_stdout ? pipe_fds[1] : log_fd, STDOUT_FILENO);
    dup2(log_fd, STDERR_FILENO);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  if (wants_stdout) close(pipe_fds[1]);
  close(log_fd);
  if (pid < 0) return nullptr;
  const int pid_fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  return std::unique_ptr<Process>(new Process(pid, pid_fd, pipe_fds[0]));
}

Process::~Process() {
  if (is_running()) {
    kill(pid_, SIGKILL);
    (void)wait(std::chrono::seconds(60));
  }
  if (pid_fd_ >= 0) close(pid_fd_);
  if (stdout_fd_ >= 0) close(stdout_fd_);
}

std::optional<std::string> Process::wait_for_line(const std::string& prefix,
                                                  std::chrono::seconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (true) {
    for (size_t end; (end = pending_.find('\n')) != std::string::npos;) {
      std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      if (line.starts_with(prefix)) return line;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return std::nullopt;
    pollfd fd{stdout_fd_, POLLIN, 0};
    if (poll(&fd, 1, static_cast<int>(left.count())) <= 0) return std::nullopt;
    std::array<char, 4096> buffer;
    const ssize_t count = read(stdout_fd_, buffer.data(), buffer.size());
    if (count <= 0) return std::nullopt;
    pending_.append(buffer.data(), static_cast<size_t>(count));
  }
}

void Process::send_signal(int signal) {
  if (!exit_code_) kill(pid_, signal);
}

std::optional<int> Process::wait(std::chrono::milliseconds limit) {
  if (exit_code_) return exit_code_;
  pollfd fd{pid_fd_, POLLIN, 0};
  if (poll(&fd, 1, static_cast<int>(limit.count())) <= 0) return std::nullopt;
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) return std::nullopt;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_code_;
}

bool Process::is_running() {
  return !wait(std::chrono::seconds(0)).has_value();
}

int free_port() {
  // Below those that the kernel gives to outgoing connections: one of them could take the port
  // while its server is down.
  static std::mt19937 random{std::random_device()()};
  std::uniform_int_distribution<int> any(10000, 32000);
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const int port = any(random);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool is_free =
        bind(fd, reinterpret_cast<sockaddr*>(&address), socklen_t{sizeof address}) == 0;
    close(fd);
    if (is_free) return port;
  }
  return 0;
}

TempDir::TempDir(const std::string& name) {
  path_ = (std::filesystem::temp_directory_path() / ("drainer-" + name + "-XXXXXX")).string();
  if (mkdtemp(path_.data()) == nullptr) path_.clear();
}

TempDir::~TempDir() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string read_gzip(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return {};
  std::string out;
  std::vector<char> buffer(1 << 16);
  for (int count;
       (count = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()))) > 0;) {
    out.append(buffer.data(), static_cast<size_t>(count));
  }
  gzclose(file);
  return out;
}

void write_file(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

}  // namespace drainer::fakes
