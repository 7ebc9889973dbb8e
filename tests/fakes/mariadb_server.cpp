#include "tests/fakes/mariadb_server.h"

#include <pwd.h>
#include <unistd.h>
#include <csignal>

#include "drainer/base/check.h"

namespace drainer::fakes {
namespace {

constexpr std::chrono::seconds kStartLimit{240};

/// Runs a shell command to its end.
void run(const std::string& command, const std::string& log_file) {
  auto process = Process::start({"/bin/sh", "-c", command}, log_file);
  const auto code = process->wait(kStartLimit);
  CHECK(code == 0, "`{}` gave {}: {}", command, code.value_or(-1), read_file(log_file));
}

std::string user_name() {
  const passwd* entry = getpwuid(getuid());
  return entry != nullptr ? entry->pw_name : "root";
}

}  // namespace

bool MariadbServer::is_present() {
  return access("/usr/sbin/mariadbd", X_OK) == 0 &&
         access("/usr/bin/mariadb-install-db", X_OK) == 0;
}

MariadbServer& MariadbServer::shared() {
  static MariadbServer server;
  return server;
}

MariadbServer::MariadbServer(std::vector<std::string> arguments)
    : directory_("mariadb"),
      arguments_(std::move(arguments)),
      port_(static_cast<uint16_t>(free_port())) {
  make_certificates();
  // In a common folder for temporary files servers that start delete those of others.
  run("TMPDIR=" + directory_.path() +
          " LD_PRELOAD=" DRAINER_NO_SYNC
          " /usr/bin/mariadb-install-db --no-defaults --auth-root-authentication-method=normal "
          "--skip-test-db --user=" +
          user_name() + " --datadir=" + directory_.path() + "/data",
      directory_.path() + "/install.log");
  start();
}

MariadbServer::~MariadbServer() {
  crash();
}

void MariadbServer::make_certificates() {
  const std::string authority = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=";
  const std::string script =
      "cd " + directory_.path() + " && " + authority +
      "test-ca -keyout ca-key.pem -out ca.pem && " + authority +
      "other-ca -keyout other-key.pem -out other-ca.pem && "
      "openssl req -newkey rsa:2048 -nodes -subj /CN=server -keyout server-key.pem -out server.csr "
      "&& printf 'subjectAltName=IP:127.0.0.1' > san.cnf && "
      "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 "
      "-extfile san.cnf -out server.pem";
  run(script, directory_.path() + "/certificates.log");
}

void MariadbServer::start() {
  const std::string& path = directory_.path();
  std::string command =
      "exec env LD_PRELOAD=" DRAINER_NO_SYNC " /usr/sbin/mariadbd --no-defaults --user=" +
      user_name() + " --datadir=" + path + "/data --socket=" + path + "/s --pid-file=" + path +
      "/pid --bind-address=127.0.0.1 --port=" + std::to_string(port_) + " --tmpdir=" + path +
      " --innodb-flush-log-at-trx-commit=0 --innodb-flush-method=fsync"
      " --innodb-buffer-pool-size=64M"
      " --log-warnings=0 --ssl-ca=" +
      path + "/ca.pem --ssl-cert=" + path + "/server.pem --ssl-key=" + path + "/server-key.pem";
  for (const std::string& argument : arguments_) command += " " + argument;
  process_ = Process::start({"/bin/sh", "-c", command + " 2>&1"}, path + "/server.log",
                            /*wants_stdout=*/true);
  CHECK(process_->wait_for_line("Version: ", kStartLimit).has_value(),
        "mariadbd did not start in {}", path);
}

void MariadbServer::crash() {
  if (!process_) return;
  process_->send_signal(SIGKILL);
  (void)process_->wait(kStartLimit);
  process_.reset();
}

void MariadbServer::restart() {
  crash();
  start();
}

}  // namespace drainer::fakes
