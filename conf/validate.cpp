#include "conf/validate.h"

#include <algorithm>

#include "conf/addresses.h"
#include "conf/adjust.h"
#include "conf/go_text.h"
#include "conf/number_ranges.h"
#include "conf/problems.h"
#include "conf/security_files.h"
#include "conf/unused_keys.h"
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

void check_sql_mode(const SyncerOptions& syncer, Problems& problems) {
  if (!syncer.sql_mode) return;
  const std::vector<std::string> known = split(kSqlModes, ' ');
  for (const std::string& mode : split(*syncer.sql_mode, ',')) {
    if (mode.empty() || std::ranges::find(known, mode) != known.end()) continue;
    problems.add(
        "invalid config: `sql-mode` must be a valid SQL_MODE: ERROR 1231 (42000): Variable "
        "'sql_mode' can't be set to the value of '{}'",
        mode);
  }
}

void check_security(SecurityOptions& security, Problems& problems) {
  const Result<void> files = check_security_files(security);
  if (!files) {
    problems.add("tls config {{SSLCA:{} SSLCert:{} SSLKey:{} CertAllowedCN:[{}]}} error {}",
                 security.ssl_ca, security.ssl_cert, security.ssl_key,
                 fmt::join(security.cert_allowed_cn, " "), files.error().to_string());
  }
  for (std::string& name : security.cert_allowed_cn) name = trim_blanks(name);
}

// The connector verifies chain and host name, but shows nobody the certificate: better to say so
// than to leave a check out without a word.
void check_database_names(std::string_view table, const SecurityOptions& security,
                          Problems& problems) {
  if (security.ssl_ca.empty() || security.cert_allowed_cn.empty()) return;
  problems.add(
      "`{}.cert-allowed-cn` cannot be checked towards a database: remove it; the certificate's "
      "chain and host name are verified all the same",
      table);
}

void check_table(std::string_view key, const std::string& db_name, const std::string& tbl_name,
                 Problems& problems) {
  if (db_name.empty()) problems.add("empty schema name in `{}` config", key);
  if (tbl_name.empty()) problems.add("empty table name in `{}` config", key);
}

void check_filters(const SyncerOptions& syncer, Problems& problems) {
  const auto check_schemas = [&](std::string_view key, const std::vector<std::string>& names) {
    const bool has_empty = std::ranges::find(names, "") != names.end();
    if (has_empty) problems.add("empty schema name in `{}` config", key);
  };
  check_schemas("replicate-do-db", syncer.replicate_do_db);
  // KEEP: an empty text has one empty element and is refused.
  check_schemas("ignore-schemas", syncer.ignore_schemas);
  for (const TablePattern& table : syncer.replicate_do_table) {
    check_table("replicate-do-table", table.db_name, table.tbl_name, problems);
  }
  for (const TablePattern& table : syncer.ignore_table) {
    check_table("ignore-table", table.db_name, table.tbl_name, problems);
  }
}

void check_conflict_rules(const std::vector<ConflictRule>& rules, Problems& problems) {
  for (const ConflictRule& rule : rules) {
    check_table("syncer.conflict", rule.db_name, rule.tbl_name, problems);
    if ((rule.policy == ConflictAction::kNewest) == rule.newest_by.empty()) {
      problems.add("syncer.conflict of {}.{}: the policy newest, and only that, needs newest-by",
                   rule.db_name, rule.tbl_name);
    }
  }
}

// What the original's messages cannot have, and JSON cannot.
void check_protocol(const KafkaOptions& kafka, Problems& problems) {
  const bool is_binlog = kafka.protocol == KafkaProtocol::kBinlog;
  if (!is_binlog && kafka.read_back) {
    problems.add("syncer.to.kafka.read-back needs syncer.to.kafka.protocol = \"binlog\"");
  }
  // The original's readers look at partition 0 of one topic, and at no keys.
  const bool is_spread = !kafka.topic_template.empty() || kafka.transaction_markers ||
                         kafka.partition_by != KafkaSpread::kNone ||
                         kafka.key_by != KafkaSpread::kNone;
  if (is_binlog && is_spread) {
    problems.add(
        "syncer.to.kafka.topic-template, syncer.to.kafka.partition-by, syncer.to.kafka.key-by and "
        "syncer.to.kafka.transaction-markers need syncer.to.kafka.protocol = \"canal-json\" or "
        "\"debezium\"");
  }
}

// Settings that need or exclude each other.
void check_combinations(const Options& options, Problems& problems) {
  const SyncerOptions& syncer = options.syncer;
  if (!syncer.apply.initial_commit_ts_from.empty() && options.initial_commit_ts != -1) {
    problems.add("give one of initial-commit-ts and syncer.apply.initial-commit-ts-from");
  }
  if (!syncer.loopback_control && !syncer.channel_ids.empty()) {
    problems.add("syncer.channel-ids needs syncer.loopback-control = true");
  }
  check_protocol(syncer.to.kafka, problems);
}

}  // namespace

std::vector<std::string> adjust_and_validate(const Environment& environment, Draft& draft) {
  Options& options = draft.options;
  SyncerOptions& syncer = options.syncer;
  CheckpointOptions& checkpoint = syncer.to.checkpoint;
  Problems problems;
  if (const std::vector<std::string> unused = unused_keys(draft); !unused.empty()) {
    log_info("settings without effect are given",
             {{"keys", fmt::format("{}", fmt::join(unused, ", "))}});
  }
  check_sql_mode(syncer, problems);
  check_security(options.security, problems);
  check_security(syncer.to.security, problems);
  check_security(checkpoint.security, problems);
  if (is_database(syncer.db_type)) {
    check_database_names("syncer.to.security", syncer.to.security, problems);
  }
  if (is_database(checkpoint.type)) {
    check_database_names("syncer.to.checkpoint.security", checkpoint.security, problems);
  }
  adjust(environment, draft, problems);
  check_addresses(options, problems);
  if (!options.compressor.empty() && options.compressor != "gzip") {
    problems.add("Invalid compressor: {}, must be one of these: [gzip]", options.compressor);
  }
  check_filters(syncer, problems);
  check_conflict_rules(syncer.conflict, problems);
  check_numbers(draft, problems);
  check_combinations(options, problems);
  return problems.take();
}

}  // namespace drainer::conf
