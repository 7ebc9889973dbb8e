#include "tests/integration/pipeline.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <fmt/core.h>

#include <catch2/catch.hpp>

#include "tests/fakes/words.h"
#include "tests/integration/http_call.h"
#include "tests/integration/table_dump.h"
#include "tests/upstream/capture.h"

namespace drainer::integration {

namespace {

uint16_t port_of(const std::string& address) {
  return static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

const std::string kBinaries = DRAINER_BIN_DIR;

}  // namespace

std::optional<Capture> Capture::open(const std::string& directory) {
  const std::string json = fakes::read_file(directory + "/capture.json");
  if (json.empty()) return std::nullopt;
  return Capture{directory, fakes::json_text(json, "from_ts"), fakes::json_text(json, "until_ts")};
}

Capture Capture::bundled() {
  const auto capture = open(DRAINER_SOURCE_DIR "/tests/upstream/demo-capture");
  REQUIRE(capture.has_value());
  return *capture;
}

std::optional<Capture> Capture::shared(const std::string& name) {
  const char* given = std::getenv("DRAINER_CAPTURES");
  const std::string root = given != nullptr ? given : DRAINER_SOURCE_DIR "/../shared/captures";
  return open(root + "/" + name);
}

std::string Capture::expected_tables() const {
  return fakes::read_gzip(directory + "/expected.tables.gz");
}

Capture::LastTs Capture::last_ts() const {
  const auto loaded = upstream::load_capture(directory);
  REQUIRE(loaded.ok());
  LastTs last;
  for (const upstream::Tape& tape : loaded->tapes) {
    for (const upstream::Record& record : tape.records) {
      if (!record.is_fake()) last.change = std::max(last.change, record.commit_ts);
      if (record.ddl_job_id != 0) last.ddl = std::max(last.ddl, record.commit_ts);
    }
  }
  REQUIRE(last.ddl > 0);
  return last;
}

Pipeline::Pipeline(Capture capture, fakes::MariadbServer& server)
    : capture_(std::move(capture)), directory_("pipeline"), server_(&server) {
  change_drainer_port();
  reconnect();
  clear_downstream();
  REQUIRE(session_->execute("create or replace user 'dr'@'127.0.0.1' identified by 'p'").ok());
  REQUIRE(session_->execute("grant all on *.* to 'dr'@'127.0.0.1'").ok());
  prepare_downstream();
}

void Pipeline::change_drainer_port() {
  drainer_port_ = static_cast<uint16_t>(fakes::free_port());
}

void Pipeline::reconnect() {
  mysql::SessionOptions options;
  options.host = "127.0.0.1";
  options.port = static_cast<uint16_t>(server_->port());
  options.user = "root";
  auto session = mysql::Session::open(options);
  REQUIRE(session.ok());
  session_ = std::move(session).value();
}

void Pipeline::prepare_downstream() {
  const std::string prepare = fakes::read_file(capture_.directory + "/prepare.sql");
  if (!prepare.empty()) REQUIRE(session_->execute(prepare).ok());
}

void Pipeline::clear_downstream() {
  const auto databases = session_->query("show databases");
  REQUIRE(databases.ok());
  REQUIRE(session_->execute("set foreign_key_checks = 0").ok());
  for (const mysql::ResultRow& row : *databases) {
    const std::string name = row[0].value_or("");
    if (name == "mysql" || name == "sys" || name.ends_with("_schema")) continue;
    REQUIRE(session_->execute("drop database `" + name + "`").ok());
  }
}

void Pipeline::start_upstream(const std::vector<std::string>& options) {
  std::vector<std::string> arguments = {kBinaries + "/upstream_sim", "--capture",
                                        capture_.directory, "--listen", "127.0.0.1:0"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  upstream_ = fakes::Process::start(arguments, directory() + "/upstream.log",
                                    /*wants_stdout=*/true);
  REQUIRE(upstream_);
  const auto ready = upstream_->wait_for_line("ready", std::chrono::seconds(240));
  INFO(fakes::read_file(directory() + "/upstream.log"));
  REQUIRE(ready.has_value());
  control_address_ = fakes::word_after(*ready, "control=");
  pd_address_ = fakes::word_after(*ready, "pd=");
  const bool has_tls = std::ranges::find(options, "--tls-ca") != options.end();
  pd_urls_.clear();
  for (std::string rest = pd_address_; !rest.empty();) {
    const size_t end = std::min(rest.find(','), rest.size());
    pd_urls_ += (pd_urls_.empty() ? "" : ",") + std::string(has_tls ? "https://" : "http://") +
                rest.substr(0, end);
    rest.erase(0, end + 1);
  }
  pd_address_ = pd_address_.substr(0, pd_address_.find(','));
  REQUIRE_FALSE(pd_address_.empty());
}

bool Pipeline::wait_until(const std::function<bool()>& holds, std::chrono::seconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline || drainer_->wait_ms(20)) return holds();
  }
  return true;
}

std::string Pipeline::ask_drainer(const std::string& method, const std::string& target,
                                  const rpc::TlsContext* tls) const {
  return http_body(http_call(drainer_port_, method, target, tls));
}

void Pipeline::apply_fault(const std::string& fault) const {
  std::string escaped;
  for (const char c : fault) escaped += c == ' ' ? "%20" : std::string(1, c);
  const std::string answer =
      http_call(port_of(control_address_), "PUT", "/sim/fault?" + escaped, nullptr);
  REQUIRE_THAT(answer, Catch::StartsWith("HTTP/1.1 200"));
}

std::string Pipeline::upstream_state() const {
  return http_body(http_call(port_of(control_address_), "GET", "/sim/state", nullptr));
}

bool Pipeline::wait_for_end_of_capture(const rpc::TlsContext* tls) {
  const Capture::LastTs last = capture_.last_ts();
  const auto number = [&](const std::string& target, const std::string& name) {
    const std::string page = ask_drainer("GET", target, tls);
    const size_t at = page.find(name);
    return at == std::string::npos ? 0 : std::stod(page.substr(at + name.size()));
  };
  const auto has_all = [&] {
    return number("/status", "\"LastTS\":") >= static_cast<double>(last.ddl) &&
           number("/metrics", "\ndrainer_applied_ts_ms ") >= static_cast<double>(last.change >> 18);
  };
  // A machine that is busy with other things may take minutes for the DDL.
  return wait_until(has_all, std::chrono::seconds(240));
}

void Pipeline::write_config(const Config& config) {
  const std::string pd_urls = config.pd_urls.empty() ? pd_urls_ : config.pd_urls;
  fakes::write_file(
      directory() + "/drainer.toml",
      fmt::format("addr = \"127.0.0.1:{}\"\npd-urls = \"{}\"\ndata-dir = \"{}/data\"\n{}\n"
                  "[syncer]\ndb-type = \"mysql\"\n{}\n"
                  "[syncer.to]\nhost = \"127.0.0.1\"\nport = {}\nuser = \"{}\"\n{}\n"
                  "{}\n{}\n",
                  drainer_port_, pd_urls, directory(), config.top, config.syncer, server_->port(),
                  config.user,
                  config.password.empty() ? "" : "password = \"" + config.password + "\"",
                  config.to, config.more));
}

void Pipeline::start_drainer(const std::vector<std::string>& flags, const std::string& program) {
  std::vector<std::string> arguments = {program.empty() ? kBinaries + "/drainer" : program,
                                        "-config", directory() + "/drainer.toml"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  drainer_ = fakes::Process::start(arguments, directory() + "/drainer.log");
  REQUIRE(drainer_);
}

void Pipeline::start_drainer_over_capture(const std::vector<std::string>& more) {
  std::vector<std::string> flags = {"-initial-commit-ts", capture_.from_ts, "-until-commit-ts",
                                    capture_.until_ts};
  flags.insert(flags.end(), more.begin(), more.end());
  start_drainer(flags);
}

std::optional<int> Pipeline::wait_for_drainer(std::chrono::seconds limit) {
  return drainer_->wait(limit);
}

std::string Pipeline::drainer_log() const {
  return fakes::read_file(directory() + "/drainer.log");
}

std::vector<std::string> Pipeline::differences() {
  const std::string expected = capture_.expected_tables();
  REQUIRE_FALSE(expected.empty());
  const auto found = dump_tables(*session_, databases_in(expected));
  REQUIRE(found.ok());
  return compare_dumps(expected, *found, 10);
}

}  // namespace drainer::integration
