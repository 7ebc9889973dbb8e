#include "conf/key_table.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace drainer::conf {

namespace {

// Rows read as: path in the file, flag, default, sentence, field.
constexpr Key<Draft> kKeys[] = {
    {"log-level", "L", R"("info")", "Least severe level to log: debug, info, warn, error or fatal.",
     [](Draft& d) -> auto& { return d.options.log_level; }},
    {"log-file", "log-file", R"("")", "File to log to; empty means standard output.",
     [](Draft& d) -> auto& { return d.options.log_file; }},
    {"node-id", "node-id", R"("")",
     "Name of this drainer in PD; empty means <hostname>:<port of addr>.",
     [](Draft& d) -> auto& { return d.options.node_id; }},
    {"addr", "addr", R"("")",
     "Address (host:port) to listen on; empty means port 8249 on the first address of this host.",
     [](Draft& d) -> auto& { return d.options.addr; }},
    {"advertise-addr", "advertise-addr", R"("")",
     "Address (host:port) under which others reach this drainer; empty means addr.",
     [](Draft& d) -> auto& { return d.options.advertise_addr; }},
    {"data-dir", "data-dir", R"("data.drainer")", "Directory for this drainer's own files.",
     [](Draft& d) -> auto& { return d.options.data_dir; }},
    {"detect-interval", "detect-interval", "5",
     "Seconds between two looks at the list of pumps; 0 means 5.",
     [](Draft& d) -> auto& { return d.options.detect_interval_s; }},
    {"pd-urls", "pd-urls", R"("http://127.0.0.1:2379")",
     "URLs of the PD servers, separated by commas.",
     [](Draft& d) -> auto& { return d.options.pd_urls; }},
    {"initial-commit-ts", "initial-commit-ts", "-1",
     "Where to start when there is no checkpoint yet; -1 means now.",
     [](Draft& d) -> auto& { return d.options.initial_commit_ts; }},
    {"synced-check-time", "synced-check-time", "5",
     "Minutes without a new binlog after which /status says Synced.",
     [](Draft& d) -> auto& { return d.options.synced_check_time_min; }},
    {"compressor", "compressor", R"("")",
     "Compression between pumps and drainer: gzip, or empty for none.",
     [](Draft& d) -> auto& { return d.options.compressor; }},
    {"MetricsAddr", "metrics-addr", R"("")", "Address of a Prometheus Pushgateway; empty: no push.",
     [](Draft& d) -> auto& { return d.options.metrics_addr; }},
    {"MetricsInterval", "metrics-interval", "15",
     "Seconds between two pushes of metrics; 0 means no push.",
     [](Draft& d) -> auto& { return d.options.metrics_interval_s; }},
    {"EtcdTimeout", "", R"("5s")", "Time limit to connect to PD's etcd, such as \"10s\".",
     [](Draft& d) -> auto& { return d.options.etcd_timeout; }},

    {"security.ssl-ca", "", R"("")", "PEM file with the trusted CAs of the cluster; empty: no TLS.",
     [](Draft& d) -> auto& { return d.options.security.ssl_ca; }},
    {"security.ssl-cert", "", R"("")", "PEM file with this drainer's certificate.",
     [](Draft& d) -> auto& { return d.options.security.ssl_cert; }},
    {"security.ssl-key", "", R"("")", "PEM file with the key of ssl-cert.",
     [](Draft& d) -> auto& { return d.options.security.ssl_key; }},
    {"security.cert-allowed-cn", "", "[]",
     "Common names that certificates of the cluster must have; empty: any.",
     [](Draft& d) -> auto& { return d.options.security.cert_allowed_cn; }},

    {"syncer.sql-mode", "", "",
     "The sql_mode upstream, also to be set downstream; when absent, neither is touched.",
     [](Draft& d) -> auto& { return d.options.syncer.sql_mode; }},
    {"syncer.ignore-txn-commit-ts", "", "[]", "Commit timestamps of transactions to leave out.",
     [](Draft& d) -> auto& { return d.options.syncer.ignore_txn_commit_ts; }},
    {"syncer.ignore-schemas", "ignore-schemas", R"("INFORMATION_SCHEMA,PERFORMANCE_SCHEMA,mysql")",
     "Databases to leave out, separated by commas.",
     [](Draft& d) -> auto& { return d.ignore_schemas; }},
    {"syncer.ignore-table", "", "[]", "Tables to leave out.",
     [](Draft& d) -> auto& { return d.options.syncer.ignore_table; }},
    {"syncer.replicate-do-db", "", "[]",
     "Databases to replicate, '~' starts a regular expression; empty means all.",
     [](Draft& d) -> auto& { return d.options.syncer.replicate_do_db; }},
    {"syncer.replicate-do-table", "", "[]",
     "Tables to replicate, '~' starts a regular expression; empty means all.",
     [](Draft& d) -> auto& { return d.options.syncer.replicate_do_table; }},
    {"syncer.txn-batch", "txn-batch", "20", "Row changes in one downstream transaction.",
     [](Draft& d) -> auto& { return d.options.syncer.txn_batch; }},
    {"syncer.worker-count", "c", "16", "Connections that write downstream at the same time.",
     [](Draft& d) -> auto& { return d.options.syncer.worker_count; }},
    {"syncer.loopback-control", "loopback-control", "false",
     "Whether to mark own transactions, so that two drainers may work in opposite directions.",
     [](Draft& d) -> auto& { return d.options.syncer.loopback_control; }},
    {"syncer.channel-id", "channel-id", "0",
     "Channel of the mark; the drainers of both directions need the same.",
     [](Draft& d) -> auto& { return d.options.syncer.channel_id; }},
    {"syncer.sync-ddl", "sync-ddl", "true", "Whether DDL is replicated.",
     [](Draft& d) -> auto& { return d.options.syncer.sync_ddl; }},
    {"syncer.db-type", "dest-db-type", R"("mysql")",
     "Kind of the downstream: mysql, tidb, kafka or file (pb is the same as file).",
     [](Draft& d) -> auto& { return d.options.syncer.db_type; }},
    {"syncer.safe-mode", "safe-mode", "false",
     "Whether to write so that repeating does no harm (REPLACE, and DELETE + REPLACE).",
     [](Draft& d) -> auto& { return d.options.syncer.safe_mode; }},
    {"syncer.disable-dispatch", "", "false", "Deprecated: use enable-dispatch, which it overrules.",
     [](Draft& d) -> auto& { return d.dispatch.disable_file; }},
    {"syncer.enable-dispatch", "", "true",
     "Whether one transaction may be split over several connections and into batches.",
     [](Draft& d) -> auto& { return d.dispatch.enable_file; }},
    {"syncer.disable-detect", "", "false", "Deprecated: use enable-detect, which it overrules.",
     [](Draft& d) -> auto& { return d.detect.disable_file; }},
    {"syncer.enable-detect", "", "true",
     "Whether to find out which row changes must wait for which.",
     [](Draft& d) -> auto& { return d.detect.enable_file; }},
    {"syncer.load-schema-snapshot", "load-schema-snapshot", "false",
     "Whether to read the tables as of the checkpoint instead of the whole DDL history.",
     [](Draft& d) -> auto& { return d.options.syncer.load_schema_snapshot; }},
    {"syncer.load-table-infos", "", "false", "Name of load-schema-snapshot in 7.1.",
     [](Draft& d) -> auto& { return d.options.syncer.load_schema_snapshot; }},
    {"syncer.case-sensitive", "", "false",
     "Whether table-migrate-rule matches names by upper and lower case.",
     [](Draft& d) -> auto& { return d.options.syncer.case_sensitive; }},
    {"syncer.table-migrate-rule", "", "[]", "Which event filter rules hold for which tables.",
     [](Draft& d) -> auto& { return d.options.syncer.table_migrate_rule; }},
    {"syncer.binlog-filter-rule", "", "", "Event filter rules by name.",
     [](Draft& d) -> auto& { return d.options.syncer.binlog_filter_rule; }},

    {"syncer.relay.log-dir", "relay-log-dir", R"("")", "Directory of the relay log; empty: none.",
     [](Draft& d) -> auto& { return d.options.syncer.relay.log_dir; }},
    {"syncer.relay.max-file-size", "relay-max-file-size", "10485760",
     "Size in bytes at which a new relay log file begins.",
     [](Draft& d) -> auto& { return d.options.syncer.relay.max_file_size; }},

    {"syncer.apply.on-row-mismatch", "", "",
     "When an UPDATE or DELETE misses its row: \"stop\", or \"warn\", default with "
     "loopback-control.",
     [](Draft& d) -> auto& { return d.on_row_mismatch; }},
    {"syncer.apply.commit-order", "", "false",
     "Commit downstream in upstream order, so that readers see only states that the upstream had.",
     [](Draft& d) -> auto& { return d.options.syncer.apply.commit_order; }},
    {"syncer.apply.memory-limit-mib", "", "256",
     "Memory for binlogs on their way from pumps to downstream, in MiB.",
     [](Draft& d) -> auto& { return d.options.syncer.apply.memory_limit_mib; }},
    {"syncer.apply.unknown-ddl-job", "", R"("stop")",
     "A DDL of an unknown type: \"stop\" ends, \"pass\" runs its query, \"skip\" leaves it out.",
     [](Draft& d) -> auto& { return d.unknown_ddl_job; }},
    {"syncer.apply.until-commit-ts", "until-commit-ts", "0",
     "End in order, exit code 0, when everything up to this commit ts is applied; 0: never.",
     [](Draft& d) -> auto& { return d.options.syncer.apply.until_commit_ts; }},
    {"syncer.apply.initial-commit-ts-from", "initial-commit-ts-from", R"("")",
     "File that holds initial-commit-ts: Dumpling's metadata, BR's log or its end-version.",
     [](Draft& d) -> auto& { return d.options.syncer.apply.initial_commit_ts_from; }},

    {"syncer.to.host", "", R"("")", "Host of the database; empty: $MYSQL_HOST, else localhost.",
     [](Draft& d) -> auto& { return d.options.syncer.to.host; }},
    {"syncer.to.port", "", "0", "Port of the database; 0: $MYSQL_PORT, else 3306.",
     [](Draft& d) -> auto& { return d.to_port; }},
    {"syncer.to.user", "", R"("")", "User of the database; empty: $MYSQL_USER, else root.",
     [](Draft& d) -> auto& { return d.options.syncer.to.user; }},
    {"syncer.to.password", "", R"("")", "Password of the user; empty: $MYSQL_PSWD.",
     [](Draft& d) -> auto& { return d.options.syncer.to.password; }, /*secret=*/true},
    {"syncer.to.encrypted_password", "", R"("")",
     "Password as binlogctl -cmd encrypt prints it; it overrules password.",
     [](Draft& d) -> auto& { return d.options.syncer.to.encrypted_password; }, /*secret=*/true},
    {"syncer.to.sync-mode", "", "0",
     "1 (or 0) writes all columns, 2 only those that the downstream table has too.",
     [](Draft& d) -> auto& { return d.options.syncer.to.sync_mode; }},
    {"syncer.to.read-timeout", "", R"("1m0s")",
     "How long one statement may take, such as \"90s\"; a bare integer counts days.",
     [](Draft& d) -> auto& { return d.read_timeout; }},
    {"syncer.to.merge", "", "false", "Whether to merge changes of one row before writing.",
     [](Draft& d) -> auto& { return d.options.syncer.to.merge; }},
    {"syncer.to.dir", "", R"("")", "db-type file: directory to write to; empty means data-dir.",
     [](Draft& d) -> auto& { return d.options.syncer.to.dir; }},
    {"syncer.to.retention-time", "", "0", "db-type file: days to keep files; 0 means for ever.",
     [](Draft& d) -> auto& { return d.options.syncer.to.retention_time; }},
    {"syncer.to.zookeeper-addrs", "", R"("")",
     "db-type kafka: ZooKeeper servers that know the brokers; overrules kafka-addrs.",
     [](Draft& d) -> auto& { return d.options.syncer.to.zookeeper_addrs; }},
    {"syncer.to.kafka-addrs", "", R"("")",
     "db-type kafka: brokers, separated by commas; empty: $KAFKA_ADDRS, else 127.0.0.1:9092.",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka_addrs; }},
    {"syncer.to.kafka-version", "", R"("")",
     "db-type kafka: version of the brokers; empty means 0.8.2.0.",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka_version; }},
    {"syncer.to.kafka-max-messages", "", "1024", "db-type kafka: messages on their way at once.",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka_max_messages; }},
    {"syncer.to.kafka-client-id", "", R"("tidb_binlog")", "db-type kafka: client id.",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka_client_id; }},
    {"syncer.to.kafka-max-message-size", "", "1073741824",
     "db-type kafka: longest message in bytes.",
     [](Draft& d) -> auto& { return d.kafka_max_message_size; }},
    {"syncer.to.topic-name", "", R"("")", "db-type kafka: topic; empty means <cluster id>_obinlog.",
     [](Draft& d) -> auto& { return d.options.syncer.to.topic_name; }},
    {"syncer.to.oracle-service-name", "", R"("")", "db-type oracle: service name.",
     [](Draft& d) -> auto& { return d.options.syncer.to.oracle_service_name; }},
    {"syncer.to.oracle-connect-string", "", R"("")", "db-type oracle: connect string.",
     [](Draft& d) -> auto& { return d.options.syncer.to.oracle_connect_string; }},

    {"syncer.to.params", "", "", "Session variables to set in the downstream database.",
     [](Draft& d) -> auto& { return d.options.syncer.to.params; }},

    {"syncer.to.security.ssl-ca", "", R"("")",
     "PEM file with the trusted CAs of the database; empty: no TLS.",
     [](Draft& d) -> auto& { return d.options.syncer.to.security.ssl_ca; }},
    {"syncer.to.security.ssl-cert", "", R"("")", "PEM file with the client's certificate.",
     [](Draft& d) -> auto& { return d.options.syncer.to.security.ssl_cert; }},
    {"syncer.to.security.ssl-key", "", R"("")", "PEM file with the key of ssl-cert.",
     [](Draft& d) -> auto& { return d.options.syncer.to.security.ssl_key; }},
    {"syncer.to.security.cert-allowed-cn", "", "[]",
     "Common names that the server's certificate must have; empty: any.",
     [](Draft& d) -> auto& { return d.options.syncer.to.security.cert_allowed_cn; }},

    {"syncer.to.secret.password-file", "", R"("")", "File whose first line is the password.",
     [](Draft& d) -> auto& { return d.options.syncer.to.secret.password_file; }},
    {"syncer.to.secret.password-command", "", R"("")",
     "Shell command that prints the password in its first line.",
     [](Draft& d) -> auto& { return d.options.syncer.to.secret.password_command; }},

    {"syncer.to.checkpoint.type", "", R"("")",
     "Where the checkpoint is kept: mysql, tidb or file; empty means as db-type suggests.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.type; }},
    {"syncer.to.checkpoint.schema", "", R"("")",
     "Database of the checkpoint; empty means tidb_binlog.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.schema; }},
    {"syncer.to.checkpoint.table", "", R"("")",
     "Table of the checkpoint, if type is given; empty means checkpoint.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.table; }},
    {"syncer.to.checkpoint.host", "", R"("")",
     "Host of the checkpoint's database, if type is given; empty means 127.0.0.1.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.host; }},
    {"syncer.to.checkpoint.user", "", R"("")",
     "User of the checkpoint's database, if type is given; empty means root.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.user; }},
    {"syncer.to.checkpoint.password", "", R"("")", "Password of that user.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.password; }, /*secret=*/true},
    {"syncer.to.checkpoint.encrypted_password", "", R"("")",
     "Password as binlogctl -cmd encrypt prints it; it overrules password.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.encrypted_password; },
     /*secret=*/true},
    {"syncer.to.checkpoint.port", "", "0",
     "Port of the checkpoint's database, if type is given; 0 means 3306.",
     [](Draft& d) -> auto& { return d.checkpoint_port; }},
    {"syncer.to.checkpoint.oracle-service-name", "", R"("")", "type oracle: service name.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.oracle_service_name; }},
    {"syncer.to.checkpoint.oracle-connect-string", "", R"("")", "type oracle: connect string.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.oracle_connect_string; }},

    {"syncer.to.checkpoint.security.ssl-ca", "", R"("")",
     "PEM file with the trusted CAs of the checkpoint's database; empty: no TLS.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.security.ssl_ca; }},
    {"syncer.to.checkpoint.security.ssl-cert", "", R"("")",
     "PEM file with the client's certificate.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.security.ssl_cert; }},
    {"syncer.to.checkpoint.security.ssl-key", "", R"("")", "PEM file with the key of ssl-cert.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.security.ssl_key; }},
    {"syncer.to.checkpoint.security.cert-allowed-cn", "", "[]",
     "Common names that the server's certificate must have; empty: any.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.security.cert_allowed_cn; }},

    {"syncer.to.checkpoint.secret.password-file", "", R"("")",
     "File whose first line is the password.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.secret.password_file; }},
    {"syncer.to.checkpoint.secret.password-command", "", R"("")",
     "Shell command that prints the password in its first line.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.secret.password_command; }},

    {"", "config", R"("")", "TOML file to read.", [](Draft& d) -> auto& { return d.config_file; }},
    {"", "V", "false", "Print the version and exit.",
     [](Draft& d) -> auto& { return d.print_version; }},
    {"", "cache-binlog-count", "8", "Binlogs that may wait in front of the syncer.",
     [](Draft& d) -> auto& { return d.options.cache_binlog_count; }},
    {"", "log-rotate", R"("")", "Deprecated: without effect.",
     [](Draft& d) -> auto& { return d.log_rotate; }},
    {"", "disable-dispatch", "false", "Deprecated: use -enable-dispatch, which it overrules.",
     [](Draft& d) -> auto& { return d.dispatch.disable_flag; }},
    {"", "enable-dispatch", "true",
     "Whether one transaction may be split over several connections and into batches.",
     [](Draft& d) -> auto& { return d.dispatch.enable_flag; }},
    {"", "disable-detect", "false", "Deprecated: use -enable-detect, which it overrules.",
     [](Draft& d) -> auto& { return d.detect.disable_flag; }},
    {"", "enable-detect", "true", "Whether to find out which row changes must wait for which.",
     [](Draft& d) -> auto& { return d.detect.enable_flag; }},
};

constexpr Key<TablePattern> kTablePatternKeys[] = {
    {"db-name", "", "", "Name of the database.",
     [](TablePattern& t) -> auto& { return t.db_name; }},
    {"tbl-name", "", "", "Name of the table.", [](TablePattern& t) -> auto& { return t.tbl_name; }},
};

constexpr Key<TableMigrateRule> kTableMigrateRuleKeys[] = {
    {"binlog-filter-rule", "", "[]", "Names of rules in binlog-filter-rule.",
     [](TableMigrateRule& r) -> auto& { return r.binlog_filter_rule; }},
    {"source.schema", "", R"("")", "Database upstream, with wildcards.",
     [](TableMigrateRule& r) -> auto& { return r.source_schema; }},
    {"source.table", "", R"("")", "Table upstream, with wildcards.",
     [](TableMigrateRule& r) -> auto& { return r.source_table; }},
    {"target.schema", "", R"("")", "db-type oracle: database downstream.",
     [](TableMigrateRule& r) -> auto& { return r.target_schema; }},
    {"target.table", "", R"("")", "db-type oracle: table downstream.",
     [](TableMigrateRule& r) -> auto& { return r.target_table; }},
};

constexpr Key<BinlogFilterRule> kBinlogFilterRuleKeys[] = {
    {"ignore-event", "", "[]", "Kinds of events to leave out, such as \"truncate table\".",
     [](BinlogFilterRule& r) -> auto& { return r.ignore_event; }},
    {"ignore-sql", "", "[]", "Regular expressions of DDL to leave out.",
     [](BinlogFilterRule& r) -> auto& { return r.ignore_sql; }},
};

// Levenshtein's distance.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('.') + 1);
}

// The paths of all keys, those inside of arrays and maps included.
std::vector<std::string> all_paths() {
  std::vector<std::string> out;
  const auto append_elements = [&](std::string_view outer, const auto& inner) {
    for (const auto& key : inner) out.push_back(std::string(outer) + "." + std::string(key.toml));
  };
  for (const Key<Draft>& key : kKeys) {
    if (key.toml.empty()) continue;
    out.emplace_back(key.toml);
    if (std::holds_alternative<std::vector<TablePattern>& (*)(Draft&)>(key.field)) {
      append_elements(key.toml, kTablePatternKeys);
    }
  }
  append_elements("syncer.table-migrate-rule", kTableMigrateRuleKeys);
  append_elements("syncer.binlog-filter-rule.<name>", kBinlogFilterRuleKeys);
  return out;
}

}  // namespace

bool SwitchSources::enabled() const {
  if (disable_flag) return !*disable_flag;
  if (disable_file) return !*disable_file;
  return enable_flag.value_or(enable_file.value_or(true));
}

std::span<const Key<Draft>> keys() {
  return kKeys;
}

template <>
std::span<const Key<TablePattern>> element_keys() {
  return kTablePatternKeys;
}
template <>
std::span<const Key<TableMigrateRule>> element_keys() {
  return kTableMigrateRuleKeys;
}
template <>
std::span<const Key<BinlogFilterRule>> element_keys() {
  return kBinlogFilterRuleKeys;
}

const Key<Draft>* find_flag(std::string_view name) {
  const auto* found = std::ranges::find(kKeys, name, &Key<Draft>::flag);
  return name.empty() || found == std::end(kKeys) ? nullptr : found;
}

std::string nearest_key(std::string_view path) {
  const std::string wanted = fold_case(path);
  const std::string_view wanted_name = last_part(wanted);
  std::string best;
  size_t best_distance = wanted_name.size() / 3 + 2;
  for (const std::string& candidate : all_paths()) {
    const std::string folded = fold_case(candidate);
    const size_t moved = edit_distance(wanted_name, last_part(folded)) + 1;
    const size_t distance = std::min(edit_distance(wanted, folded), moved);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string fold_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

}  // namespace drainer::conf
