#include "conf/secret.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <memory>
#include <vector>

#include <openssl/evp.h>

#include "conf/go_text.h"
#include "conf/go_url.h"
#include "conf/toml_file.h"
#include "drainer/base/base64.h"
#include "drainer/base/file_descriptor.h"
#include "drainer/base/log.h"

namespace drainer::conf {

namespace {

constexpr size_t kIvBytes = 16;
constexpr std::string_view kBuiltInKey =
    "a529b7665997f043a30ac8fadcb51d6aa032c226ab5b7750530b12b8c1a16a48";
constexpr auto kCommandTimeMax = std::chrono::seconds(30);
constexpr size_t kCommandOutputBytesMax = 64 << 10;

Error invalid(std::string text) {
  return Error(ErrorCode::kInvalid, std::move(text));
}

std::string first_line(std::string_view text) {
  std::string_view line = text.substr(0, text.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return std::string(line);
}

// A running shell whose output we read. One thread.
class ShellCommand {
 public:
  ~ShellCommand() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait_for_exit();
  }

  Result<void> start(const std::string& command) {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return invalid(system_error_text(errno));
    output_ = FileDescriptor(pipe[0]);
    const FileDescriptor input(pipe[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, input.get(), STDOUT_FILENO);
    std::string shell = "sh";
    std::string option = "-c";
    // By way of the environment, since everybody may read a process's arguments.
    std::string text = "eval \"$DRAINER_PASSWORD_COMMAND\"";
    std::string variable = "DRAINER_PASSWORD_COMMAND=" + command;
    const std::array<char*, 4> arguments = {shell.data(), option.data(), text.data(), nullptr};
    std::vector<char*> environment = {variable.data()};
    for (char** entry = ::environ; *entry != nullptr; ++entry) environment.push_back(*entry);
    environment.push_back(nullptr);
    const int failed =
        ::posix_spawn(&pid_, "/bin/sh", &actions, nullptr, arguments.data(), environment.data());
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed == 0) return {};
    pid_ = 0;
    return invalid(system_error_text(failed));
  }

  // All it prints, up to its end or the limits.
  Result<std::string> read_output() {
    const auto deadline = std::chrono::steady_clock::now() + kCommandTimeMax;
    std::string out;
    while (true) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      pollfd waiting{output_.get(), POLLIN, 0};
      if (left.count() <= 0)
        return invalid(fmt::format("no end after {} s", kCommandTimeMax.count()));
      if (::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) continue;
      std::array<char, 4096> buffer{};
      const ssize_t got = ::read(output_.get(), buffer.data(), buffer.size());
      if (got == 0) return out;
      if (got < 0 && errno != EINTR) return invalid(system_error_text(errno));
      if (got > 0) out.append(buffer.data(), static_cast<size_t>(got));
      if (out.size() > kCommandOutputBytesMax) return invalid("too much output");
    }
  }

  Result<void> wait_for_success() {
    const int status = wait_for_exit();
    pid_ = 0;
    if (WIFSIGNALED(status)) return invalid(fmt::format("signal {}", WTERMSIG(status)));
    if (WEXITSTATUS(status) == 0) return {};
    return invalid(fmt::format("exit status {}", WEXITSTATUS(status)));
  }

 private:
  int wait_for_exit() const {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
    return status;
  }

  pid_t pid_ = 0;
  FileDescriptor output_;
};

}  // namespace

Result<Bytes> secret_key(const Environment& environment) {
  const std::string hex = environment("BINLOG_SECRET_KEY").value_or("");
  if (hex.empty()) {
    log_warn("use the default secret key to encrypt");
    return from_hex(kBuiltInKey);
  }
  for (const char c : hex) {
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) {
      return invalid("encoding/hex: invalid byte in BINLOG_SECRET_KEY");
    }
  }
  if (hex.size() % 2 != 0) return invalid("encoding/hex: odd length hex string");
  Bytes key = from_hex(hex);
  if (key.size() == 16 || key.size() == 24 || key.size() == 32) return key;
  // FIX: the original prints the bytes of the key.
  return invalid(fmt::format("secretKey not valid: {} bytes", key.size()));
}

Result<std::string> decrypt_password(std::string_view encrypted, ByteView key) {
  Bytes bytes;
  if (const auto fault = decode_base64(encrypted, bytes)) {
    // FIX: the original adds the bytes decoded so far, which may be those of the password.
    return invalid(fmt::format("illegal base64 data at input byte {}", *fault))
        .because("base 64 failed to decode");
  }
  if (bytes.size() <= kIvBytes || bytes[kIvBytes] != '@') return invalid("ciphertext not valid");
  const ByteView cipher = ByteView(bytes).substr(kIvBytes + 1);

  const EVP_CIPHER* algorithm = key.size() == 16   ? EVP_aes_128_cfb128()
                                : key.size() == 24 ? EVP_aes_192_cfb128()
                                                   : EVP_aes_256_cfb128();
  CHECK(key.size() == static_cast<size_t>(EVP_CIPHER_get_key_length(algorithm)), "key of {} bytes",
        key.size());
  const auto unsigned_bytes = [](ByteView view) {
    return reinterpret_cast<const unsigned char*>(view.data());
  };
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
      EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  std::string plain(cipher.size(), '\0');
  int length = 0;
  const bool done =
      context != nullptr &&
      EVP_DecryptInit_ex(context.get(), algorithm, nullptr, unsigned_bytes(key),
                         unsigned_bytes(bytes)) == 1 &&
      EVP_DecryptUpdate(context.get(), reinterpret_cast<unsigned char*>(plain.data()), &length,
                        unsigned_bytes(cipher), static_cast<int>(cipher.size())) == 1;
  if (!done) return Error(ErrorCode::kInternal, "OpenSSL refuses AES-CFB");
  return plain;
}

Result<std::string> password_from_file(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, read_file(path));
  return first_line(text);
}

Result<std::string> password_from_command(const std::string& command) {
  ShellCommand shell;
  TRY(shell.start(command));
  ASSIGN_OR_RETURN(const std::string output, shell.read_output());
  TRY(shell.wait_for_success());
  return first_line(output);
}

std::string shown_text(const std::string& value, Secrecy secrecy) {
  switch (secrecy) {
    case Secrecy::kUrls:
      return mask_url_passwords(value);
    case Secrecy::kAddress:
      return mask_address_password(value);
    case Secrecy::kAll:
      break;
  }
  return value.empty() ? "" : "******";
}

bool is_secret_property(std::string_view name) {
  for (const std::string_view part :
       {"password", "secret", "jaas", "key.pem", "token", "oauthbearer.config"}) {
    if (name.find(part) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace drainer::conf
