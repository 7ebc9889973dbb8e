#include "syncer/relay/txn_source.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "drainer/tidb/ddl_text.h"

namespace drainer::relay {

namespace {

Result<RecordFormat> detect_format(const SourceOptions& options, const ZonePair& zones) {
  ASSIGN_OR_RETURN(RecordSource records, RecordSource::open(options));
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<RecordSource::Item> item, records.next());
    if (!item) return RecordFormat::kFile;
    const auto payload = std::make_shared<const Bytes>(item->payload);
    const Result<Txn> as_file = file::MessageReader(zones).read(payload);
    const Result<Txn> as_message = kafka::MessageReader(zones).read(payload);
    if (as_file.ok() && as_message.ok()) continue;
    if (as_file.ok()) return RecordFormat::kFile;
    if (as_message.ok()) return RecordFormat::kRelay;
    return Error(as_file.error())
        .because("{} offset {}: neither a record of pb files nor of relay logs", records.path(),
                 item->offset);
  }
}

Result<std::vector<LoggedDdl>> read_ddls(const SourceOptions& options, const ZonePair& zones) {
  ASSIGN_OR_RETURN(RecordSource records, RecordSource::open(options));
  file::MessageReader reader(zones);
  std::vector<LoggedDdl> out;
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<RecordSource::Item> item, records.next());
    if (!item) return out;
    // 08 <type>: most records are rows, which need not be read twice.
    if (item->payload.size() < 2 || item->payload[1] != 1) continue;
    ASSIGN_OR_RETURN(Txn txn, reader.read(std::make_shared<const Bytes>(item->payload)));
    if (txn.ddl) {
      out.push_back({txn.commit_ts, txn.ddl->effect.use_schema, std::move(txn.ddl->text)});
    }
  }
}

// The jobs of one DROP so far.
struct DropGroup {
  std::vector<schema::TableName> tables;
  std::vector<CommitTs> jobs;
};

std::vector<schema::TableName> names_in(const tidb::DdlStatement& statement,
                                        const std::string& schema) {
  std::vector<schema::TableName> out;
  for (const tidb::NameInText& name : statement.tables) {
    out.push_back({name.is_qualified() ? name.schema : schema, name.table});
  }
  return out;
}

}  // namespace

std::unordered_map<CommitTs, schema::TableName> find_dropped_tables(
    const std::vector<LoggedDdl>& ddls) {
  std::unordered_map<CommitTs, schema::TableName> out;
  std::unordered_map<std::string, DropGroup> open;
  const auto close = [&out](const DropGroup& group) {
    const bool is_whole = group.jobs.size() == group.tables.size();
    for (size_t i = 0; i < group.jobs.size(); ++i) {
      schema::TableName& name = out[group.jobs[i]] = group.tables[i];
      if (!is_whole && i + 1 == group.jobs.size()) name.table.clear();
    }
  };
  for (const LoggedDdl& ddl : ddls) {
    const tidb::DdlStatement statement = tidb::parse_ddl(ddl.text, tidb::guess_sql_mode(ddl.text));
    const std::vector<schema::TableName> names = names_in(statement, ddl.schema);
    const bool is_drop =
        statement.kind == tidb::DdlKind::kDropTable || statement.kind == tidb::DdlKind::kDropView;
    const std::string key = ddl.schema + '\0' + ddl.text;
    // Whoever makes one of the tables anew ends the group.
    std::erase_if(open, [&](const auto& entry) {
      const bool is_touched =
          entry.first != key && std::ranges::any_of(names, [&](const auto& name) {
            return std::ranges::find(entry.second.tables, name) != entry.second.tables.end();
          });
      if (is_touched) close(entry.second);
      return is_touched;
    });
    if (!is_drop || names.size() < 2) continue;
    DropGroup& group = open[key];
    group.tables = names;
    group.jobs.push_back(ddl.commit_ts);
    if (group.jobs.size() < names.size()) continue;
    close(group);
    open.erase(key);
  }
  for (const auto& [key, group] : open) close(group);
  return out;
}

Result<TxnSource> TxnSource::open(const SourceOptions& options, RecordFormat format,
                                  ZonePair zones) {
  if (format == RecordFormat::kDetect) {
    ASSIGN_OR_RETURN(format, detect_format(options, zones));
  }
  ASSIGN_OR_RETURN(RecordSource records, RecordSource::open(options));
  if (format == RecordFormat::kRelay) {
    return TxnSource(std::move(records), format, kafka::MessageReader(std::move(zones)));
  }
  ASSIGN_OR_RETURN(const std::vector<LoggedDdl> ddls, read_ddls(options, zones));
  TxnSource source(std::move(records), format, file::MessageReader(std::move(zones)));
  source.dropped_ = find_dropped_tables(ddls);
  return source;
}

Result<std::optional<Txn>> TxnSource::next() {
  ASSIGN_OR_RETURN(const std::optional<RecordSource::Item> item, records_.next());
  if (!item) return std::optional<Txn>();
  auto payload = std::make_shared<const Bytes>(item->payload);
  Result<Txn> txn =
      std::visit([&](auto& reader) { return reader.read(std::move(payload)); }, reader_);
  if (!txn.ok()) {
    return std::move(txn).error().because("{} offset {}", records_.path(), item->offset);
  }
  if (const auto dropped = dropped_.find(item->commit_ts); dropped != dropped_.end() && txn->ddl) {
    txn->ddl->effect.name = dropped->second;
  }
  return std::optional<Txn>(std::move(txn).value());
}

}  // namespace drainer::relay
