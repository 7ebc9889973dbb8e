#include "conf/validate.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "conf/choices.h"
#include "conf/conflict_rules.h"
#include "conf/environment.h"
#include "conf/go_text.h"
#include "conf/go_url.h"
#include "conf/number_ranges.h"
#include "conf/secret.h"
#include "conf/security_files.h"
#include "conf/validate_outputs.h"
#include "drainer/base/ascii.h"
#include "drainer/base/log.h"

namespace drainer::conf {

namespace {

// All names, a blank between.
constexpr std::string_view kSqlModes =
    "REAL_AS_FLOAT PIPES_AS_CONCAT ANSI_QUOTES IGNORE_SPACE NOT_USED ONLY_FULL_GROUP_BY "
    "NO_UNSIGNED_SUBTRACTION NO_DIR_IN_CREATE POSTGRESQL ORACLE MSSQL DB2 MAXDB "
    "NO_KEY_OPTIONS NO_TABLE_OPTIONS NO_FIELD_OPTIONS MYSQL323 MYSQL40 ANSI "
    "NO_AUTO_VALUE_ON_ZERO NO_BACKSLASH_ESCAPES STRICT_TRANS_TABLES STRICT_ALL_TABLES "
    "NO_ZERO_IN_DATE NO_ZERO_DATE INVALID_DATES ERROR_FOR_DIVISION_BY_ZERO TRADITIONAL "
    "NO_AUTO_CREATE_USER HIGH_NOT_PRECEDENCE NO_ENGINE_SUBSTITUTION "
    "PAD_CHAR_TO_FULL_LENGTH ALLOW_INVALID_DATES";

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  for (size_t end = 0; end != std::string_view::npos; text.remove_prefix(end + 1)) {
    end = text.find(separator);
    out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
  }
  return out;
}

// The adjustments and checks on one Draft. One thread.
class Validator {
 public:
  Validator(const Environment& environment, Draft& draft)
      : environment_(environment),
        draft_(draft),
        options_(draft.options),
        syncer_(draft.options.syncer),
        to_(draft.options.syncer.to) {}

  std::vector<std::string> run() {
    check_sql_mode();
    check_security(options_.security);
    check_security(to_.security);
    check_security(to_.checkpoint.security);
    if (is_database(syncer_.db_type)) {
      check_database_names("syncer.to.security", to_.security);
    }
    if (is_database(to_.checkpoint.type)) {
      check_database_names("syncer.to.checkpoint.security", to_.checkpoint.security);
    }
    adjust();
    check_addr("addr", options_.addr);
    if (options_.advertise_addr != options_.addr) {
      check_addr("advertise-addr", options_.advertise_addr);
    }
    check_pd_urls();
    if (!options_.compressor.empty() && options_.compressor != "gzip") {
      refuse("Invalid compressor: {}, must be one of these: [gzip]", options_.compressor);
    }
    check_filters();
    for (const std::string& problem : problems_of_numbers(draft_)) refuse("{}", problem);
    take_choices();
    return std::move(problems_);
  }

 private:
  void check_sql_mode();
  void check_security(SecurityOptions& security);
  void check_database_names(std::string_view table, const SecurityOptions& security);

  void adjust();
  void adjust_kafka();
  void adjust_database();
  void adjust_passwords();
  void take_secret(std::string_view table, const SecretSource& source, bool has_other,
                   std::string& password);
  void decrypt(std::string_view key, const std::string& encrypted, std::string& password);
  void adjust_filters();

  void check_addr(std::string_view name, const std::string& addr);
  void check_pd_urls();
  void check_filters();
  void check_tables(std::string_view key, const std::vector<TablePattern>& tables);
  void take_choices();

  template <class... Args>
  void refuse(fmt::format_string<Args...> format, Args&&... args) {
    problems_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  std::string variable(std::string_view name) const { return environment_(name).value_or(""); }
  bool has_tls() const { return !options_.security.ssl_ca.empty(); }

  const Environment& environment_;
  Draft& draft_;
  Options& options_;
  SyncerOptions& syncer_;
  DownstreamOptions& to_;
  std::optional<Result<Bytes>> key_;  // read at the first use
  std::vector<std::string> problems_;
};

void set_if_empty(std::string& target, std::string value, std::string_view otherwise) {
  if (!target.empty()) return;
  target = value.empty() ? std::string(otherwise) : std::move(value);
}

void Validator::check_sql_mode() {
  if (!syncer_.sql_mode) return;
  const std::vector<std::string> known = split(kSqlModes, ' ');
  for (const std::string& mode : split(*syncer_.sql_mode, ',')) {
    if (mode.empty() || std::ranges::find(known, mode) != known.end()) continue;
    refuse(
        "invalid config: `sql-mode` must be a valid SQL_MODE: ERROR 1231 (42000): Variable "
        "'sql_mode' can't be set to the value of '{}'",
        mode);
  }
}

void Validator::check_security(SecurityOptions& security) {
  const Result<void> files = check_security_files(security);
  if (!files) {
    refuse("tls config {{SSLCA:{} SSLCert:{} SSLKey:{} CertAllowedCN:[{}]}} error {}",
           security.ssl_ca, security.ssl_cert, security.ssl_key,
           fmt::join(security.cert_allowed_cn, " "), files.error().to_string());
  }
  for (std::string& name : security.cert_allowed_cn) name = trim_blanks(name);
}

// The connector verifies chain and host name, but shows nobody the certificate: better to say so
// than to leave a check out without a word.
void Validator::check_database_names(std::string_view table, const SecurityOptions& security) {
  if (security.ssl_ca.empty() || security.cert_allowed_cn.empty()) return;
  refuse(
      "`{}.cert-allowed-cn` cannot be checked towards a database: remove it; the certificate's "
      "chain and host name are verified all the same",
      table);
}

void Validator::adjust() {
  if (options_.addr.empty()) options_.addr = default_ip() + ":8249";
  set_if_empty(options_.advertise_addr, "", options_.addr);
  set_if_empty(options_.data_dir, "", "data.drainer");
  if (options_.detect_interval_s == 0) options_.detect_interval_s = 5;
  if (syncer_.db_type == "pb") syncer_.db_type = "file";
  to_.kafka_max_message_size = draft_.kafka_max_message_size;
  to_.read_timeout = draft_.read_timeout.value;
  if (syncer_.db_type == "kafka") {
    adjust_kafka();
  } else if (syncer_.db_type == "file" && to_.dir.empty()) {
    to_.dir = options_.data_dir;
    log_info("use default downstream file directory", {{"directory", to_.dir}});
  } else if (is_database(syncer_.db_type)) {
    adjust_database();
  }
  adjust_passwords();
  // What they cut off is found out of range later.
  to_.port = static_cast<uint16_t>(draft_.to_port);
  to_.checkpoint.port = static_cast<uint16_t>(draft_.checkpoint_port);

  syncer_.enable_dispatch = draft_.dispatch.enabled();
  syncer_.enable_detect = draft_.detect.enabled();
  const bool is_written_whole = syncer_.db_type == "file" || syncer_.db_type == "kafka";
  if (is_written_whole || !syncer_.enable_dispatch) syncer_.worker_count = 1;
  // Without a meaning there, so that any is taken as in the original.
  if (is_written_whole) syncer_.txn_batch = std::max<int64_t>(syncer_.txn_batch, 1);
  if (syncer_.relay.max_file_size <= 0) syncer_.relay.max_file_size = RelayOptions{}.max_file_size;
  adjust_filters();
}

void Validator::adjust_kafka() {
  if (to_.kafka_max_message_size <= 0) to_.kafka_max_message_size = 1 << 30;
  set_if_empty(to_.kafka_version, "", "0.8.2.0");
  set_if_empty(to_.kafka_client_id, "", "tidb_binlog");
  if (to_.zookeeper_addrs.empty()) {
    set_if_empty(to_.kafka_addrs, variable("KAFKA_ADDRS"), "127.0.0.1:9092");
  }
  if (to_.kafka_max_messages <= 0) to_.kafka_max_messages = 1024;
}

void Validator::adjust_database() {
  set_if_empty(to_.host, variable("MYSQL_HOST"), "localhost");
  set_if_empty(to_.user, variable("MYSQL_USER"), "root");
  if (draft_.to_port != 0) return;
  // Text that is no number counts as absent.
  const std::string text = variable("MYSQL_PORT");
  int64_t port = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + (text.starts_with('+') ? 1 : 0), end, port);
  const bool usable = parsed.ec == std::errc() && parsed.ptr == end && port != 0;
  draft_.to_port = usable ? port : 3306;
}

void Validator::adjust_passwords() {
  if (is_database(syncer_.db_type)) {
    take_secret("syncer.to", to_.secret, !to_.password.empty() || !to_.encrypted_password.empty(),
                to_.password);
    decrypt("to.encrypted_password", to_.encrypted_password, to_.password);
    const bool given = !to_.encrypted_password.empty() || !to_.secret.password_file.empty() ||
                       !to_.secret.password_command.empty();
    if (!given) set_if_empty(to_.password, variable("MYSQL_PSWD"), "");
  }
  // FIX: the original decrypts `to.encrypted_password` in the place of this one.
  CheckpointOptions& checkpoint = to_.checkpoint;
  take_secret("syncer.to.checkpoint", checkpoint.secret,
              !checkpoint.password.empty() || !checkpoint.encrypted_password.empty(),
              checkpoint.password);
  decrypt("checkpoint.encrypted_password", checkpoint.encrypted_password, checkpoint.password);
}

void Validator::take_secret(std::string_view table, const SecretSource& source, bool has_other,
                            std::string& password) {
  const bool by_file = !source.password_file.empty();
  const bool by_command = !source.password_command.empty();
  if (!by_file && !by_command) return;
  if (has_other || (by_file && by_command)) {
    return refuse(
        "`{}` has more than one password: give one of `password`, `encrypted_password`, "
        "`secret.password-file` and `secret.password-command`",
        table);
  }
  Result<std::string> secret = by_file ? password_from_file(source.password_file)
                                       : password_from_command(source.password_command);
  if (!secret) {
    return refuse("failed to get the password of `{}.secret.{}`: {}", table,
                  by_file ? "password-file" : "password-command", secret.error().to_string());
  }
  password = std::move(secret).value();
}

void Validator::decrypt(std::string_view key, const std::string& encrypted, std::string& password) {
  if (encrypted.empty()) return;
  const auto fail = [&](const Error& error) {
    refuse("failed to decrypt password in `{}`: {}", key, error.to_string());
  };
  if (!key_) key_ = secret_key(environment_);
  if (!key_->ok()) return fail(key_->error());
  Result<std::string> plain = decrypt_password(encrypted, key_->value());
  if (!plain) return fail(plain.error());
  password = std::move(plain).value();
}

void Validator::adjust_filters() {
  syncer_.ignore_schemas = split(draft_.ignore_schemas, ',');
  // KEEP: this lower-cases regular expressions too, where \D becomes \d.
  for (std::string& name : syncer_.replicate_do_db) name = fold_case(name);
  for (TablePattern& table : syncer_.replicate_do_table) {
    table.db_name = fold_case(table.db_name);
    table.tbl_name = fold_case(table.tbl_name);
  }
}

// KEEP: a scheme is put in front without a look, so that "http://host:1" passes and fails later.
void Validator::check_addr(std::string_view name, const std::string& addr) {
  const std::string text = (has_tls() ? "https://" : "http://") + addr;
  const Result<GoUrl> url = parse_go_url(text);
  if (!url) {
    return refuse("invalid {}: failed to parse addr {}: {}", name, mask_url_passwords(text),
                  url.error().to_string());
  }
  const Result<HostPort> split = split_host_port(url->host);
  if (!split) {
    return refuse("invalid {}: invalid host {}: {}", name, url->host, split.error().to_string());
  }
  in_addr v4{};
  in6_addr v6{};
  const std::string& host = split->host;
  const bool loopback =
      (::inet_pton(AF_INET, host.c_str(), &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127) ||
      (::inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6));
  if (host.empty() || host == "localhost" || loopback) {
    log_warn("pump may not be able to access drainer using this addr",
             {{"listen addr", mask_url_passwords(text)}});
  }
}

void Validator::check_pd_urls() {
  for (const std::string& part : split(options_.pd_urls, ',')) {
    const std::string_view text = trim_blanks(part);
    const auto fail = [&](std::string_view cause) {
      refuse("parse EtcdURLs error: {}, {}", mask_address_password(options_.pd_urls), cause);
    };
    const Result<GoUrl> url = parse_go_url(text);
    const std::string shown = mask_url_passwords(text);
    if (!url) {
      fail(url.error().to_string());
    } else if (url->scheme != "http" && url->scheme != "https" && url->scheme != "unix" &&
               url->scheme != "unixs") {
      fail("URL scheme must be http, https, unix, or unixs: " + shown);
    } else if (!split_host_port(url->host)) {
      fail("URL address does not have the form \"host:port\": " + shown);
    } else if (!url->path.empty()) {
      fail("URL must not contain a path: " + shown);
    } else {
      // Without a user, whom PD's clients do not send.
      options_.pd_url_list.push_back(fmt::format("{}://{}", url->scheme, url->host));
    }
  }
  std::ranges::sort(options_.pd_url_list);
}

void Validator::check_filters() {
  const auto has_empty = [](const std::vector<std::string>& names) {
    return std::ranges::find(names, "") != names.end();
  };
  if (has_empty(syncer_.replicate_do_db)) refuse("empty schema name in `replicate-do-db` config");
  // KEEP: an empty text has one empty element and is refused.
  if (has_empty(syncer_.ignore_schemas)) refuse("empty schema name in `ignore-schemas` config");
  check_tables("replicate-do-table", syncer_.replicate_do_table);
  check_tables("ignore-table", syncer_.ignore_table);
  for (const std::string& problem : problems_of(syncer_.conflict)) refuse("{}", problem);
}

void Validator::check_tables(std::string_view key, const std::vector<TablePattern>& tables) {
  for (const TablePattern& table : tables) {
    if (table.db_name.empty()) refuse("empty schema name in `{}` config", key);
    if (table.tbl_name.empty()) refuse("empty table name in `{}` config", key);
  }
}

void Validator::take_choices() {
  ApplyOptions& apply = syncer_.apply;
  if (!apply.initial_commit_ts_from.empty() && options_.initial_commit_ts != -1) {
    refuse("give one of initial-commit-ts and initial-commit-ts-from");
  }
  // Two clusters that are both written to may differ in a row for a while, or for ever.
  set_if_empty(draft_.on_row_mismatch, syncer_.loopback_control ? "warn" : "stop", "");
  if (draft_.on_row_mismatch == "warn") {
    apply.on_row_mismatch = RowMismatchAction::kWarn;
  } else if (draft_.on_row_mismatch == "stop") {
    apply.on_row_mismatch = RowMismatchAction::kStop;
  } else {
    refuse("invalid syncer.apply.on-row-mismatch: must be warn or stop, got {}",
           go_quote(draft_.on_row_mismatch));
  }
  choose("syncer.apply.unknown-ddl-job", draft_.unknown_ddl_job,
         Choices<UnknownDdlAction>{{"stop", UnknownDdlAction::kStop},
                                   {"pass", UnknownDdlAction::kPass},
                                   {"skip", UnknownDdlAction::kSkip}},
         apply.unknown_ddl_job, problems_);
  take_output_choices(draft_, problems_);
}

}  // namespace

std::vector<std::string> adjust_and_validate(const Environment& environment, Draft& draft) {
  return Validator(environment, draft).run();
}

}  // namespace drainer::conf
