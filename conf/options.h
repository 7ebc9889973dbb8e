#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drainer {

/// One [security] table (spec/drainer-process.md 1.10).
struct SecurityOptions {
  std::string ssl_ca;
  std::string ssl_cert;
  std::string ssl_key;
  std::vector<std::string> cert_allowed_cn;
};

struct TablePattern {
  std::string db_name;
  std::string tbl_name;

  friend bool operator==(const TablePattern&, const TablePattern&) = default;
};

/// What to do when a row downstream is not what the upstream changed (loopback/README.md,
/// "Conflicts").
enum class ConflictAction : uint8_t {
  kOverwrite,  ///< the sender wins, as in the original
  kStop,       ///< end with an error that names the row
  kKeep,       ///< the receiver wins
  kNewest,     ///< the greater value of a column wins; a delete always does
};

/// [[syncer.conflict]]. Ours, the original has no such table.
struct ConflictRule {
  std::string db_name;  ///< '~' starts a regular expression, likewise below
  std::string tbl_name;
  ConflictAction policy = ConflictAction::kOverwrite;
  std::string newest_by;  ///< column that kNewest compares
};

/// [[syncer.table-migrate-rule]]
struct TableMigrateRule {
  std::vector<std::string> binlog_filter_rule;
  std::string source_schema;
  std::string source_table;
  std::string target_schema;
  std::string target_table;
};

/// [syncer.binlog-filter-rule.<name>]
struct BinlogFilterRule {
  std::vector<std::string> ignore_event;
  std::vector<std::string> ignore_sql;
};

/// [syncer.to.secret] and [syncer.to.checkpoint.secret]: where else a password may come from. Ours,
/// not in the original; used once, while loading.
struct SecretSource {
  std::string password_file;     ///< first line of the file
  std::string password_command;  ///< first line that `/bin/sh -c` prints
};

/// [syncer.to.checkpoint]
struct CheckpointOptions {
  std::string type;  ///< "", mysql, tidb, file
  std::string schema;
  std::string table;
  std::string host;
  std::string user;
  std::string password;
  std::string encrypted_password;
  uint16_t port = 0;
  std::string oracle_service_name;
  std::string oracle_connect_string;
  SecurityOptions security;
  SecretSource secret;
};

/// When pb files are synced to the disk.
enum class FileSync : uint8_t {
  kNever,        ///< as the original: the kernel decides
  kCheckpoint,   ///< before the checkpoint may count a transaction as written
  kTransaction,  ///< after each transaction
};

/// What the messages to Kafka are.
enum class KafkaProtocol : uint8_t {
  kBinlog,     ///< the original's: one protobuf message per transaction
  kCanalJson,  ///< Canal's JSON as TiCDC writes it
  kDebezium,   ///< Debezium's JSON as TiCDC writes it
};

/// What partitions and message keys go by.
enum class KafkaSpread : uint8_t { kNone, kTable, kPrimaryKey, kTransaction };

/// [syncer.to.kafka]. Ours, the original has no such table.
struct KafkaOptions {
  KafkaProtocol protocol = KafkaProtocol::kBinlog;
  std::string topic_template;  ///< with {schema} and {table}; empty: one topic
  KafkaSpread partition_by = KafkaSpread::kNone;
  KafkaSpread key_by = KafkaSpread::kNone;
  int64_t partitions = 0;  ///< 0: as many as the topic has
  int64_t watermark_interval_ms = 1000;
  int64_t rows_per_message = 1;
  bool transaction_markers = false;
  bool tidb_extension = false;
  bool read_back = false;  ///< what the topic holds already is not sent again after a crash
  int64_t ack_timeout_s = 30;
  std::map<std::string, std::string> properties;  ///< librdkafka's own
};

/// [syncer.to]
struct DownstreamOptions {
  std::string host;
  uint16_t port = 0;
  std::string user;
  std::string password;  ///< plain, after decryption; never logged
  std::string encrypted_password;
  int64_t sync_mode = 0;
  std::chrono::nanoseconds read_timeout = std::chrono::minutes(1);
  std::map<std::string, std::string> params;
  bool merge = false;
  std::string dir;
  int64_t retention_time = 0;
  std::string zookeeper_addrs;
  std::string kafka_addrs;
  std::string kafka_version;
  int64_t kafka_max_messages = 1024;
  std::string kafka_client_id = "tidb_binlog";
  int64_t kafka_max_message_size = 1 << 30;
  std::string topic_name;
  bool original_errors = true;  ///< messages of protocol binlog and pb files repeat them
  KafkaOptions kafka;
  FileSync file_sync = FileSync::kCheckpoint;
  std::string oracle_service_name;
  std::string oracle_connect_string;
  SecurityOptions security;
  SecretSource secret;
  CheckpointOptions checkpoint;
};

/// What to do when an UPDATE or DELETE outside safe mode does not hit exactly one row downstream.
enum class RowMismatchAction : uint8_t {
  kWarn,  ///< count it and log it; the original says nothing at all
  kStop,  ///< end with an error before the save point passes it
};

/// What to do with a DDL job of a type that is newer than our list.
enum class UnknownDdlAction : uint8_t {
  kStop,  ///< end with an error, as the original does
  kPass,  ///< run its query downstream as it is
  kSkip,  ///< leave it out, with a log line
};

/// [syncer.apply]. Ours, the original has no such table.
struct ApplyOptions {
  RowMismatchAction on_row_mismatch = RowMismatchAction::kStop;
  bool commit_order = false;      ///< commits downstream in upstream order
  int64_t memory_limit_mib = 64;  ///< of the process; see drainer/memory.h
  UnknownDdlAction unknown_ddl_job = UnknownDdlAction::kStop;
  int64_t until_commit_ts = 0;    ///< end in order when everything up to it is applied; 0: never
  bool record_conflicts = false;  ///< in a table of the downstream
  std::string initial_commit_ts_from;  ///< file to read initial-commit-ts from; see dump_position.h
};

/// [syncer.relay]
struct RelayOptions {
  std::string log_dir;
  int64_t max_file_size = 10485760;
};

/// A `db-type`, or the type of a checkpoint, that is a MySQL, MariaDB or TiDB server.
inline bool is_database(std::string_view type) {
  return type == "mysql" || type == "tidb";
}

/// [syncer]
struct SyncerOptions {
  std::optional<std::string> sql_mode;
  std::vector<int64_t> ignore_txn_commit_ts;
  std::vector<std::string> ignore_schemas;  ///< split at commas
  std::vector<TablePattern> ignore_table;
  std::vector<std::string> replicate_do_db;
  std::vector<TablePattern> replicate_do_table;
  int64_t txn_batch = 20;
  int64_t worker_count = 16;
  bool loopback_control = false;
  int64_t channel_id = 0;
  std::vector<int64_t> channel_ids;  ///< further channels that stop here; loopback/README.md
  bool sync_ddl = true;
  std::string db_type = "mysql";
  bool safe_mode = false;
  bool enable_dispatch = true;
  bool enable_detect = true;
  bool load_schema_snapshot = false;
  bool case_sensitive = false;
  std::vector<ConflictRule> conflict;
  std::vector<TableMigrateRule> table_migrate_rule;
  std::map<std::string, BinlogFilterRule> binlog_filter_rule;
  RelayOptions relay;
  ApplyOptions apply;
  DownstreamOptions to;
};

/// [log]. Ours, the original has no such table: its files grow to 300 MiB and stay for ever.
struct LogFileOptions {
  int64_t max_size_mib = 300;
  int64_t max_days = 0;           ///< 0: no limit
  int64_t max_backups = 0;        ///< 0: no limit
  bool reopen_on_sighup = false;  ///< else SIGHUP ends the program, as it does the original
};

/// All settings, adjusted and valid; plain data (spec/drainer-process.md 1).
struct Options {
  std::string log_level = "info";
  std::string log_file;
  LogFileOptions log;
  std::string node_id;         ///< empty: <hostname>:<port of addr>
  std::string addr;            ///< host:port to listen on, without scheme
  std::string advertise_addr;  ///< host:port for others, without scheme
  std::string data_dir = "data.drainer";
  int64_t detect_interval_s = 5;
  std::string pd_urls = "http://127.0.0.1:2379";
  std::vector<std::string> pd_url_list;     ///< split, trimmed, sorted
  int64_t initial_commit_ts = -1;           ///< -1: now
  bool is_initial_commit_ts_given = false;  ///< false: nobody has written even the -1
  int64_t synced_check_time_min = 5;
  std::string compressor;  ///< "" or "gzip"
  int64_t cache_binlog_count = 8;
  std::string metrics_addr;
  int64_t metrics_interval_s = 15;
  std::chrono::nanoseconds etcd_timeout = std::chrono::seconds(5);
  SecurityOptions security;
  SyncerOptions syncer;
};

}  // namespace drainer
