#include "conf/key_table.h"

#include <algorithm>
#include <utility>

namespace drainer::conf {

namespace {

// Ranges are generous: what has worked with the original is taken, and what is far too much is
// refused here instead of overflowing somewhere.
constexpr int64_t kYearS = 365 * 24 * 3600;
constexpr int64_t kYearNs = kYearS * 1'000'000'000;
constexpr int64_t kMibMax = 16 << 20;
constexpr int64_t kMany = 1'000'000'000;

constexpr KeyTraits between(int64_t least, int64_t largest) {
  return {.range = {.least = least, .largest = largest}};
}
constexpr KeyTraits at_least(int64_t least) {
  return {.range = {.least = least}};
}
constexpr KeyTraits kSecondsOrZero = between(0, kYearS);
constexpr KeyTraits kPort = between(0, 65'535);
constexpr KeyTraits kWithoutEffect = {.has_effect = false};
constexpr std::string_view kWithoutEffectHelp = "Accepted for old files, without effect.";
constexpr KeyTraits kSecret = {.secrecy = Secrecy::kAll};
constexpr KeyTraits kShownAsAddress = {.secrecy = Secrecy::kAddress};

// Rows read as: path in the file, flag, default, sentence, field, traits.
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
     [](Draft& d) -> auto& { return d.options.detect_interval_s; }, kSecondsOrZero},
    {"pd-urls", "pd-urls", R"("http://127.0.0.1:2379")",
     "URLs of the PD servers, separated by commas.",
     [](Draft& d) -> auto& { return d.options.pd_urls; }},
    {"initial-commit-ts", "initial-commit-ts", "-1",
     "Where to start when there is no checkpoint yet; -1 means now.",
     [](Draft& d) -> auto& { return d.options.initial_commit_ts; }, at_least(-1)},
    {"synced-check-time", "synced-check-time", "5",
     "Minutes without a new binlog after which /status says Synced.",
     [](Draft& d) -> auto& { return d.options.synced_check_time_min; }, between(1, kYearS / 60)},
    {"compressor", "compressor", R"("")",
     "Compression between pumps and drainer: gzip, or empty for none.",
     [](Draft& d) -> auto& { return d.options.compressor; }},
    {"MetricsAddr", "metrics-addr", R"("")", "Address of a Prometheus Pushgateway; empty: no push.",
     [](Draft& d) -> auto& { return d.options.metrics_addr; }, kShownAsAddress},
    {"MetricsInterval", "metrics-interval", "15",
     "Seconds between two pushes of metrics; 0 means no push.",
     [](Draft& d) -> auto& { return d.options.metrics_interval_s; }, kSecondsOrZero},
    {"EtcdTimeout", "", R"("5s")", "Time limit to connect to PD's etcd, such as \"10s\".",
     [](Draft& d) -> auto& { return d.options.etcd_timeout; }, between(1, kYearNs)},

    {"log.max-size", "", "300", "MiB after which log-file is set aside and a new one begins.",
     [](Draft& d) -> auto& { return d.options.log.max_size_mib; }, between(1, kMibMax)},
    {"log.max-days", "", "0", "Days after which a log file set aside is removed; 0: never.",
     [](Draft& d) -> auto& { return d.options.log.max_days; }, between(0, 36'500)},
    {"log.max-backups", "", "0", "How many log files set aside are kept; 0: all.",
     [](Draft& d) -> auto& { return d.options.log.max_backups; }, between(0, kMany)},
    {"log.reopen-on-sighup", "", "false",
     "Whether SIGHUP opens log-file again, for logrotate; else it ends drainer.",
     [](Draft& d) -> auto& { return d.options.log.reopen_on_sighup; }},

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
     [](Draft& d) -> auto& { return d.options.syncer.txn_batch; }, between(1, kMany)},
    {"syncer.worker-count", "c", "16", "Connections that write downstream at the same time.",
     [](Draft& d) -> auto& { return d.options.syncer.worker_count; }, between(1, 10'000)},
    {"syncer.loopback-control", "loopback-control", "false",
     "Whether to mark own transactions, so that two drainers may work in opposite directions.",
     [](Draft& d) -> auto& { return d.options.syncer.loopback_control; }},
    {"syncer.channel-id", "channel-id", "0",
     "Channel of the mark; the drainers of both directions need the same.",
     [](Draft& d) -> auto& { return d.options.syncer.channel_id; }},
    {"syncer.channel-ids", "", "[]",
     "In rings and stars: further channels whose transactions stop here; others keep their mark.",
     [](Draft& d) -> auto& { return d.options.syncer.channel_ids; }},
    {"syncer.sync-ddl", "sync-ddl", "true", "Whether DDL is replicated.",
     [](Draft& d) -> auto& { return d.options.syncer.sync_ddl; }},
    {"syncer.db-type", "dest-db-type", R"("mysql")",
     "Kind of the downstream: mysql, tidb, kafka or file (= pb). Not supported: the original's "
     "oracle.",
     [](Draft& d) -> auto& { return d.options.syncer.db_type; }},
    {"syncer.safe-mode", "safe-mode", "false",
     "Whether to write so that repeating does no harm (REPLACE, and DELETE + REPLACE).",
     [](Draft& d) -> auto& { return d.options.syncer.safe_mode; }},
    {"syncer.disable-dispatch", "", "false", "Deprecated: use enable-dispatch, which it overrules.",
     [](Draft& d) -> auto& { return d.dispatch.disable_file; }},
    {"syncer.enable-dispatch", "", "true",
     "false: one connection, one upstream transaction at a time.",
     [](Draft& d) -> auto& { return d.dispatch.enable_file; }},
    {"syncer.disable-detect", "", "false", kWithoutEffectHelp,
     [](Draft& d) -> auto& { return d.detect.disable_file; }, kWithoutEffect},
    {"syncer.enable-detect", "", "true", kWithoutEffectHelp,
     [](Draft& d) -> auto& { return d.detect.enable_file; }, kWithoutEffect},
    {"syncer.load-schema-snapshot", "load-schema-snapshot", "false",
     "Whether to read the tables as of the checkpoint instead of the whole DDL history.",
     [](Draft& d) -> auto& { return d.options.syncer.load_schema_snapshot; }},
    {"syncer.load-table-infos", "", "false", "Name of load-schema-snapshot in 7.1.",
     [](Draft& d) -> auto& { return d.options.syncer.load_schema_snapshot; }},
    {"syncer.case-sensitive", "", "false",
     "Whether table-migrate-rule matches names by upper and lower case.",
     [](Draft& d) -> auto& { return d.options.syncer.case_sensitive; }},
    {"syncer.conflict", "", "[]",
     "What to do when a row downstream is not what was changed upstream; the first that fits.",
     [](Draft& d) -> auto& { return d.options.syncer.conflict; }},
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
     "loopback-control "
     "or a rule that ignores rows.",
     [](Draft& d) -> auto& { return d.on_row_mismatch; }},
    {"syncer.apply.commit-order", "", "false",
     "Commit downstream in upstream order, so that readers see only states that the upstream had.",
     [](Draft& d) -> auto& { return d.options.syncer.apply.commit_order; }},
    {"syncer.apply.memory-limit-mib", "", "64",
     "Memory of the process, in MiB: 32 for itself, the rest for binlogs on their way.",
     [](Draft& d) -> auto& { return d.options.syncer.apply.memory_limit_mib; },
     between(1, kMibMax)},
    {"syncer.apply.record-conflicts", "", "false",
     "Whether conflicts in tables with a policy are recorded downstream, in drainer_conflicts.",
     [](Draft& d) -> auto& { return d.options.syncer.apply.record_conflicts; }},
    {"syncer.apply.unknown-ddl-job", "", R"("stop")",
     "A DDL of an unknown type: \"stop\" ends, \"pass\" runs its query, \"skip\" leaves it out.",
     [](Draft& d) -> auto& { return d.options.syncer.apply.unknown_ddl_job; }},
    {"syncer.apply.until-commit-ts", "until-commit-ts", "0",
     "End in order, exit code 0, when everything up to this commit ts is applied; 0: never.",
     [](Draft& d) -> auto& { return d.options.syncer.apply.until_commit_ts; }, at_least(0)},
    {"syncer.apply.initial-commit-ts-from", "initial-commit-ts-from", R"("")",
     "File that holds initial-commit-ts: Dumpling's metadata, BR's log or its end-version.",
     [](Draft& d) -> auto& { return d.options.syncer.apply.initial_commit_ts_from; }},

    {"syncer.to.host", "", R"("")", "Host of the database; empty: $MYSQL_HOST, else localhost.",
     [](Draft& d) -> auto& { return d.options.syncer.to.host; }},
    {"syncer.to.port", "", "0", "Port of the database; 0: $MYSQL_PORT, else 3306.",
     [](Draft& d) -> auto& { return d.to_port; }, kPort},
    {"syncer.to.user", "", R"("")", "User of the database; empty: $MYSQL_USER, else root.",
     [](Draft& d) -> auto& { return d.options.syncer.to.user; }},
    {"syncer.to.password", "", R"("")", "Password of the user; empty: $MYSQL_PSWD.",
     [](Draft& d) -> auto& { return d.options.syncer.to.password; }, kSecret},
    {"syncer.to.encrypted_password", "", R"("")",
     "Password as binlogctl -cmd encrypt prints it; it overrules password.",
     [](Draft& d) -> auto& { return d.options.syncer.to.encrypted_password; }, kSecret},
    {"syncer.to.sync-mode", "", "0",
     "1 (or 0) writes all columns, 2 only those that the downstream table has too.",
     [](Draft& d) -> auto& { return d.options.syncer.to.sync_mode; }},
    {"syncer.to.read-timeout", "", R"("1m0s")",
     "How long one statement may take, such as \"90s\"; a bare integer counts days; 0: for ever.",
     [](Draft& d) -> auto& { return d.read_timeout; }},
    {"syncer.to.merge", "", "false", kWithoutEffectHelp,
     [](Draft& d) -> auto& { return d.options.syncer.to.merge; }, kWithoutEffect},
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
     "db-type kafka: must be a version, else without effect; empty means 0.8.2.0.",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka_version; }, kWithoutEffect},
    {"syncer.to.kafka-max-messages", "", "1024", "db-type kafka: messages on their way at once.",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka_max_messages; }},
    {"syncer.to.kafka-client-id", "", R"("tidb_binlog")", "db-type kafka: client id.",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka_client_id; }},
    {"syncer.to.kafka-max-message-size", "", "1073741824",
     "db-type kafka: longest message in bytes.",
     [](Draft& d) -> auto& { return d.kafka_max_message_size; }},
    {"syncer.to.topic-name", "", R"("")", "db-type kafka: topic; empty means <cluster id>_obinlog.",
     [](Draft& d) -> auto& { return d.options.syncer.to.topic_name; }},
    {"syncer.to.oracle-service-name", "", R"("")", kWithoutEffectHelp,
     [](Draft& d) -> auto& { return d.options.syncer.to.oracle_service_name; }, kWithoutEffect},
    {"syncer.to.oracle-connect-string", "", R"("")", kWithoutEffectHelp,
     [](Draft& d) -> auto& { return d.options.syncer.to.oracle_connect_string; }, kWithoutEffect},

    {"syncer.to.original-errors", "", "true",
     "binlog and pb: keep the original's errors after RENAME TABLE of several and FLASHBACK TABLE.",
     [](Draft& d) -> auto& { return d.options.syncer.to.original_errors; }},

    {"syncer.to.params", "", "", "Session variables to set in the downstream database.",
     [](Draft& d) -> auto& { return d.options.syncer.to.params; }},

    {"syncer.to.file.sync", "", R"("checkpoint")",
     "db-type file: when to sync files to the disk: \"never\", \"checkpoint\", \"transaction\".",
     [](Draft& d) -> auto& { return d.options.syncer.to.file_sync; }},

    {"syncer.to.kafka.protocol", "", R"("binlog")",
     "Messages: \"binlog\" as the original, or \"canal-json\", \"debezium\" as TiCDC writes them.",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka.protocol; }},
    {"syncer.to.kafka.topic-template", "", R"("")",
     "JSON: topic per table, with {schema} and {table} in it; empty: topic-name for all.",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka.topic_template; }},
    {"syncer.to.kafka.partition-by", "", R"("none")",
     "JSON: \"none\" is partition 0; \"table\", \"primary-key\" or \"transaction\".",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka.partition_by; }},
    {"syncer.to.kafka.key-by", "", R"("none")",
     "JSON: message key: \"none\" as the format has it; \"table\", \"primary-key\", "
     "\"transaction\".",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka.key_by; }},
    {"syncer.to.kafka.partitions", "", "0",
     "JSON: number of partitions to use; 0: all that the topic has.",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka.partitions; }, between(0, 1'000'000)},
    {"syncer.to.kafka.watermark-interval-ms", "", "1000",
     "JSON: how often to send watermarks to all partitions; 0: never.",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka.watermark_interval_ms; },
     between(0, kYearS * 1000)},
    {"syncer.to.kafka.rows-per-message", "", "1",
     "canal-json: rows of one table and kind that may share a message.",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka.rows_per_message; },
     between(1, kMany)},
    {"syncer.to.kafka.transaction-markers", "", "false",
     "JSON: whether messages mark begin and end of each transaction in its partitions.",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka.transaction_markers; }},
    {"syncer.to.kafka.tidb-extension", "", "false",
     "JSON: watermarks; canal-json: and _tidb with the commit ts; debezium: and TiDB's types in "
     "schemas.",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka.tidb_extension; }},
    {"syncer.to.kafka.read-back", "", "false",
     "binlog: read the last message at the start, so that nothing is sent twice; waits 3 s after a "
     "crash.",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka.read_back; }},
    {"syncer.to.kafka.ack-timeout-s", "", "30",
     "Seconds without any acknowledgement, while messages wait for one, after which to stop.",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka.ack_timeout_s; }, between(1, kYearS)},
    {"syncer.to.kafka.properties", "", "",
     "librdkafka's own settings, such as security.protocol, sasl.username, compression.codec.",
     [](Draft& d) -> auto& { return d.options.syncer.to.kafka.properties; }},

    {"syncer.to.security.ssl-ca", "", R"("")",
     "PEM file with the trusted CAs of the database; empty: no TLS.",
     [](Draft& d) -> auto& { return d.options.syncer.to.security.ssl_ca; }},
    {"syncer.to.security.ssl-cert", "", R"("")", "PEM file with the client's certificate.",
     [](Draft& d) -> auto& { return d.options.syncer.to.security.ssl_cert; }},
    {"syncer.to.security.ssl-key", "", R"("")", "PEM file with the key of ssl-cert.",
     [](Draft& d) -> auto& { return d.options.syncer.to.security.ssl_key; }},
    {"syncer.to.security.cert-allowed-cn", "", "[]",
     "Must be empty for a database: its certificate's chain and host name are verified.",
     [](Draft& d) -> auto& { return d.options.syncer.to.security.cert_allowed_cn; }},

    {"syncer.to.secret.password-file", "", R"("")", "File whose first line is the password.",
     [](Draft& d) -> auto& { return d.options.syncer.to.secret.password_file; }},
    {"syncer.to.secret.password-command", "", R"("")",
     "Shell command that prints the password in its first line.",
     [](Draft& d) -> auto& { return d.options.syncer.to.secret.password_command; }, kSecret},

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
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.password; }, kSecret},
    {"syncer.to.checkpoint.encrypted_password", "", R"("")",
     "Password as binlogctl -cmd encrypt prints it; it overrules password.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.encrypted_password; }, kSecret},
    {"syncer.to.checkpoint.port", "", "0",
     "Port of the checkpoint's database, if type is given; 0 means 3306.",
     [](Draft& d) -> auto& { return d.checkpoint_port; }, kPort},
    {"syncer.to.checkpoint.oracle-service-name", "", R"("")", kWithoutEffectHelp,
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.oracle_service_name; },
     kWithoutEffect},
    {"syncer.to.checkpoint.oracle-connect-string", "", R"("")", kWithoutEffectHelp,
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.oracle_connect_string; },
     kWithoutEffect},

    {"syncer.to.checkpoint.security.ssl-ca", "", R"("")",
     "PEM file with the trusted CAs of the checkpoint's database; empty: no TLS.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.security.ssl_ca; }},
    {"syncer.to.checkpoint.security.ssl-cert", "", R"("")",
     "PEM file with the client's certificate.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.security.ssl_cert; }},
    {"syncer.to.checkpoint.security.ssl-key", "", R"("")", "PEM file with the key of ssl-cert.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.security.ssl_key; }},
    {"syncer.to.checkpoint.security.cert-allowed-cn", "", "[]",
     "Must be empty for a database: its certificate's chain and host name are verified.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.security.cert_allowed_cn; }},

    {"syncer.to.checkpoint.secret.password-file", "", R"("")",
     "File whose first line is the password.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.secret.password_file; }},
    {"syncer.to.checkpoint.secret.password-command", "", R"("")",
     "Shell command that prints the password in its first line.",
     [](Draft& d) -> auto& { return d.options.syncer.to.checkpoint.secret.password_command; },
     kSecret},

    {"", "config", R"("")", "TOML file to read.", [](Draft& d) -> auto& { return d.config_file; }},
    {"", "V", "false", "Print the version and exit.",
     [](Draft& d) -> auto& { return d.print_version; }},
    {"", "cache-binlog-count", "8",
     "Binlogs that may wait in front of the syncer; 8, the default, leaves it to memory-limit-mib.",
     [](Draft& d) -> auto& { return d.options.cache_binlog_count; }, between(0, kMany)},
    {"", "log-rotate", R"("")", kWithoutEffectHelp, [](Draft& d) -> auto& { return d.log_rotate; },
     kWithoutEffect},
    {"", "disable-dispatch", "false", "Deprecated: use -enable-dispatch, which it overrules.",
     [](Draft& d) -> auto& { return d.dispatch.disable_flag; }},
    {"", "enable-dispatch", "true", "false: one connection, one upstream transaction at a time.",
     [](Draft& d) -> auto& { return d.dispatch.enable_flag; }},
    {"", "disable-detect", "false", kWithoutEffectHelp,
     [](Draft& d) -> auto& { return d.detect.disable_flag; }, kWithoutEffect},
    {"", "enable-detect", "true", kWithoutEffectHelp,
     [](Draft& d) -> auto& { return d.detect.enable_flag; }, kWithoutEffect},
};

}  // namespace

bool SwitchSources::enabled() const {
  if (disable_flag) return !*disable_flag;
  if (disable_file) return !*disable_file;
  return enable_flag.value_or(enable_file.value_or(true));
}

std::span<const Key<Draft>> keys() {
  return kKeys;
}

std::string full_name(const Key<Draft>& key) {
  return key.toml.empty() ? "-" + std::string(key.flag) : std::string(key.toml);
}

const Key<Draft>* find_flag(std::string_view name) {
  const auto* found = std::ranges::find(kKeys, name, &Key<Draft>::flag);
  return name.empty() || found == std::end(kKeys) ? nullptr : found;
}

}  // namespace drainer::conf
