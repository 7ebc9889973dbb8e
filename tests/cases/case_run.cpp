#include "tests/cases/case_run.h"

#include <algorithm>

#include "conf/load.h"
#include "drainer/proto/binlog.pb.h"
#include "drainer/rules.h"
#include "drainer/schema/job_treatment.h"
#include "pump_client/collector.h"
#include "syncer/syncer.h"
#include "tests/cases/table_text.h"
#include "tests/fakes/binlogs.h"
#include "tests/fakes/process.h"

namespace drainer::cases {

namespace {

using schema::SchemaChange;
using tidb::DdlJob;
using tidb::TableInfo;

constexpr int64_t kFirstTs = 1000;

const schema::JobTreatment* find_by_name(std::string_view name) {
  const auto treatments = schema::job_treatments();
  const auto found = std::ranges::find(treatments, name, &schema::JobTreatment::name);
  return found == treatments.end() ? nullptr : &*found;
}

schema::TableName scan_table_name(TextScanner& text) {
  schema::TableName name;
  name.schema = text.take_name();
  text.expect(".");
  name.table = text.take_name();
  return name;
}

std::string joined(const std::vector<CaseLine>& lines) {
  std::string out;
  for (const CaseLine& line : lines) out += line.text + "\n";
  return out;
}

}  // namespace

/// The mutations of one transaction, grouped by table as TiDB sends them.
struct MutationsText {
  binlog::PrewriteValue value;

  binlog::TableMutation& of_table(int64_t id) {
    for (auto& mutation : *value.mutable_mutations()) {
      if (mutation.table_id() == id) return mutation;
    }
    binlog::TableMutation* added = value.add_mutations();
    added->set_table_id(id);
    return *added;
  }
};

std::vector<Outcome> CaseRun::run(const std::string& text) {
  const std::vector<CaseSection> sections = parse_case(text);
  for (const CaseSection& section : sections) add_section(section);
  sink_options_.mode =
      options_.syncer.safe_mode ? mysql::WriteMode::kSafe : mysql::WriteMode::kExact;
  sink_options_.missing = options_.syncer.to.sync_mode == 2 ? mysql::MissingColumns::kDrop
                                                            : mysql::MissingColumns::kFail;
  TextSink sink(sink_options_);
  const std::optional<Error> error = replay(sink);
  std::vector<Outcome> outcomes;
  bool is_error_expected = false;
  auto written = sink.lines().begin();
  for (const Expectation& expectation : expectations_) {
    Outcome outcome{expectation.section->line, {}, {}};
    for (const CaseLine& line : expectation.section->lines) outcome.expected.push_back(line.text);
    if (expectation.is_error) {
      is_error_expected = true;
      outcome.lines.push_back(error ? error->to_string() : "no error");
    }
    // A DDL that is run before its binlog has a commit ts of its own.
    for (; written != sink.lines().end() && written->first <= expectation.until; ++written) {
      if (expectation.is_error) continue;
      outcome.lines.insert(outcome.lines.end(), written->second.begin(), written->second.end());
    }
    outcomes.push_back(std::move(outcome));
  }
  if (error && !is_error_expected)
    throw std::runtime_error("ended by an error: " + error->to_string());
  return outcomes;
}

void CaseRun::add_section(const CaseSection& section) {
  TextScanner head(section.head, section.line);
  if (head.take("options")) return set_options(section);
  if (head.take("table")) return add_table(head, section);
  if (head.take("downstream")) return add_downstream(head, section);
  if (head.take("ddl")) return add_ddl(head, section);
  if (head.take("job")) return add_job(section, /*is_in_stream=*/true);
  if (head.take("history")) return add_job(section, /*is_in_stream=*/false);
  if (head.take("txn")) return add_txn(head, section);
  if (head.take("binlog")) return add_binlog(section);
  if (head.take("time")) {
    head.expect("zone");
    auto zone = tidb::TimeZone::load(head.rest());
    if (!zone.ok()) fail(section.line, zone.error().to_string());
    sink_options_.zone = *std::move(zone);
    return;
  }
  if (head.take("expect")) {
    expectations_.push_back({&section, last_ts_, head.take("error")});
    return;
  }
  fail(section.line, "no such section: " + section.head);
}

void CaseRun::set_options(const CaseSection& section) {
  fakes::TempDir directory("case");
  const std::string path = directory.path() + "/drainer.toml";
  fakes::write_file(path, joined(section.lines));
  auto loaded = load_options({"-config", path},
                             [](std::string_view) { return std::optional<std::string>(); });
  if (!loaded.ok()) fail(section.line, loaded.error().to_string());
  options_ = std::get<Options>(*std::move(loaded));
}

int64_t CaseRun::schema_id(const std::string& name) {
  const auto known = schemas_.find(name);
  if (known != schemas_.end()) return known->second;
  auto job = std::make_shared<DdlJob>();
  job->type = tidb::DdlType::kCreateSchema;
  job->state = tidb::DdlJobState::kSynced;
  job->schema_id = SchemaId(++last_id_);
  job->db_info = std::make_unique<tidb::DbInfo>();
  job->db_info->id = job->schema_id;
  job->db_info->name = name;
  job->id = DdlJobId(++last_id_);
  job->schema_version = SchemaVersion(++last_version_);
  job->finished_ts = kFirstTs;
  schemas_[name] = job->schema_id.value;
  history_.push_back(job);
  return job->schema_id.value;
}

void CaseRun::add_table(TextScanner& head, const CaseSection& section) {
  const schema::TableName name = scan_table_name(head);
  auto job = std::make_shared<DdlJob>();
  job->schema_id = SchemaId(schema_id(name.schema));
  const int64_t id = head.take("id") ? head.take_number() : ++last_id_;
  auto info = std::make_shared<const TableInfo>(parse_table_text(section.lines, id, name.table));
  tables_[name] = {job->schema_id.value, info};
  job->type = tidb::DdlType::kCreateTable;
  job->state = tidb::DdlJobState::kSynced;
  job->table_id = info->id;
  job->table_info = std::move(info);
  job->id = DdlJobId(++last_id_);
  job->schema_version = SchemaVersion(++last_version_);
  job->finished_ts = kFirstTs;
  history_.push_back(std::move(job));
}

void CaseRun::add_downstream(TextScanner& head, const CaseSection& section) {
  const schema::TableName name = scan_table_name(head);
  sink_options_.downstream[name] =
      describe_downstream(parse_table_text(section.lines, 0, name.table));
}

CaseRun::Table& CaseRun::table_named(const std::string& schema, const std::string& table,
                                     size_t line) {
  const auto found = tables_.find({schema, table});
  if (found == tables_.end()) fail(line, fmt::format("no table {}.{}", schema, table));
  return found->second;
}

CaseRun::DdlSection CaseRun::split_ddl(const CaseSection& section) {
  DdlSection out;
  for (const CaseLine& line : section.lines) {
    TextScanner text(line.text, line.number);
    const size_t colon = line.text.find(": ");
    if (text.take("table")) {
      TableBlock& block = out.tables.emplace_back();
      block.name = text.take_name();
      if (text.take("id")) block.id = text.take_number();
    } else if (out.tables.empty() && colon != std::string::npos) {
      out.fields[line.text.substr(0, colon)] = {line.number, line.text.substr(colon + 2)};
    } else if (out.tables.empty()) {
      fail(line.number, "`field: value` or `table <name>` expected");
    } else {
      out.tables.back().lines.push_back(line);
    }
  }
  return out;
}

// == ddl <type> [<database>[.<table>]]
void CaseRun::add_ddl(TextScanner& head, const CaseSection& section) {
  const DdlSection parts = split_ddl(section);
  const auto field = [&](const std::string& name) {
    const auto found = parts.fields.find(name);
    return found == parts.fields.end() ? std::string() : found->second.text;
  };
  auto job = std::make_shared<DdlJob>();
  const schema::JobTreatment* treatment = nullptr;
  if (head.take("type")) {
    job->type = static_cast<tidb::DdlType>(head.take_number());
  } else {
    treatment = find_by_name(head.take_quoted('"'));
    if (treatment == nullptr) fail(section.line, "no such type of DDL");
    job->type = treatment->type;
  }
  job->state =
      static_cast<tidb::DdlJobState>(field("state").empty() ? 6 : std::stoi(field("state")));
  job->id = DdlJobId(++last_id_);
  const bool is_new_database = job->type == tidb::DdlType::kCreateSchema;
  if (!head.is_at_end()) {
    const std::string schema = head.take_name();
    job->schema_name = schema;
    if (is_new_database) {
      job->db_info = std::make_unique<tidb::DbInfo>();
      job->db_info->name = schema;
      job->db_info->id = SchemaId(++last_id_);
      schemas_[schema] = last_id_;
    }
    job->schema_id = SchemaId(schema_id(schema));
    if (head.take(".")) {
      const Table& table = table_named(schema, head.take_name(), section.line);
      job->table_id = table.info->id;
      job->table_info = table.info;
    }
  }
  if (const std::string with = field("with"); !with.empty()) {
    TextScanner text(with, section.line);
    const schema::TableName other = scan_table_name(text);
    job->table_id = table_named(other.schema, other.table, section.line).info->id;
  }
  if (const std::string schema = field("schema"); !schema.empty()) {
    job->schema_id = SchemaId(schema_id(schema));
  }
  const bool is_batch = treatment != nullptr && (treatment->change == SchemaChange::kCreateTables ||
                                                 treatment->change == SchemaChange::kRenameTables);
  for (const TableBlock& block : parts.tables) {
    const int64_t id = block.id != 0                           ? block.id
                       : job->table_id.value != 0 && !is_batch ? job->table_id.value
                                                               : ++last_id_;
    auto info = std::make_shared<const TableInfo>(parse_table_text(block.lines, id, block.name));
    if (is_batch) {
      job->multiple_table_infos.push_back(std::move(info));
    } else {
      if (job->table_id.value == 0) job->table_id = info->id;
      job->table_info = std::move(info);
    }
  }
  job->schema_version =
      SchemaVersion(field("version").empty() ? ++last_version_ : std::stoll(field("version")));
  job->query = field("query").empty() ? field("text") : field("query");
  stream_ddl(job, field("text"));
}

// The catalogue by name, for the rows of later transactions.
void CaseRun::follow(const DdlJob& job) {
  if (!job.is_finished()) return;
  if (job.db_info) schemas_[job.db_info->name] = job.db_info->id.value;
  const auto schema = std::ranges::find_if(
      schemas_, [&](const auto& entry) { return entry.second == job.schema_id.value; });
  std::vector<std::shared_ptr<const TableInfo>> infos = job.multiple_table_infos;
  if (job.table_info) infos.push_back(job.table_info);
  for (const auto& info : infos) {
    std::erase_if(tables_, [&](const auto& entry) { return entry.second.info->id == info->id; });
    if (schema != schemas_.end()) {
      tables_[{schema->first, std::string(info->name)}] = {job.schema_id.value, info};
    }
  }
}

void CaseRun::add_job(const CaseSection& section, bool is_in_stream) {
  std::string text;
  std::string json;
  for (const CaseLine& line : section.lines) {
    if (line.text.starts_with("text: ")) {
      text = line.text.substr(6);
    } else {
      json += line.text;
    }
  }
  Result<DdlJob> parsed = tidb::parse_ddl_job(json);
  if (!parsed.ok()) fail(section.line, parsed.error().to_string());
  auto job = std::make_shared<const DdlJob>(*std::move(parsed));
  last_version_ = std::max(last_version_, job->schema_version.value);
  if (is_in_stream) {
    stream_ddl(job, text.empty() ? job->query : text);
  } else {
    follow(*job);
    history_.push_back(std::move(job));
  }
}

void CaseRun::stream_ddl(std::shared_ptr<const DdlJob> job, const std::string& text) {
  follow(*job);
  last_ts_ += 10;
  push(fakes::ddl_payload(last_ts_, job->id.value, text));
  jobs_[job->id] = std::move(job);
}

int64_t CaseRun::next_commit_ts(TextScanner& head) {
  last_ts_ = head.is_at_end() || !std::isdigit(static_cast<unsigned char>(head.peek()))
                 ? last_ts_ + 10
                 : head.take_number();
  return last_ts_;
}

// == txn [<commit ts>] [version <schema version>]
void CaseRun::add_txn(TextScanner& head, const CaseSection& section) {
  const int64_t ts = next_commit_ts(head);
  MutationsText mutations;
  mutations.value.set_schema_version(head.take("version") ? head.take_number() : last_version_);
  for (const CaseLine& line : section.lines) {
    TextScanner text(line.text, line.number);
    add_row(text, mutations);
  }
  push(fakes::dml_payload(ts, mutations.value.SerializeAsString()));
}

void CaseRun::add_row(TextScanner& line, MutationsText& mutations) {
  const std::string kind(line.take_word());
  const int64_t given_id = line.take("#") ? line.take_number() : 0;
  const schema::TableName name = scan_table_name(line);
  const TableInfo& info = *table_named(name.schema, name.table, line.line()).info;
  binlog::TableMutation& mutation = mutations.of_table(given_id != 0 ? given_id : info.id.value);
  Bytes element;
  if (line.take("hex")) {
    element = from_hex(line.rest());
  } else {
    const RowDatums row = scan_row(line, info);
    if (kind == "update") {
      line.expect("->");
      element = update_element(row, scan_row(line, info));
    } else {
      element = kind == "insert" ? insert_element(row, info, ++last_row_id_) : delete_element(row);
    }
  }
  if (kind == "insert") {
    mutation.add_inserted_rows(element);
    mutation.add_sequence(binlog::Insert);
  } else if (kind == "update") {
    mutation.add_updated_rows(element);
    mutation.add_sequence(binlog::Update);
  } else if (kind == "delete") {
    mutation.add_deleted_rows(element);
    mutation.add_sequence(binlog::DeleteRow);
  } else {
    fail(line.line(), "insert, update or delete expected, not " + kind);
  }
}

void CaseRun::add_binlog(const CaseSection& section) {
  std::string hex;
  for (const CaseLine& line : section.lines) hex += line.text;
  std::erase(hex, ' ');
  Bytes payload = from_hex(hex);
  const auto parsed = tidb::parse_binlog(payload);
  if (!parsed.ok()) fail(section.line, parsed.error().to_string());
  last_ts_ = parsed->commit_ts.value;
  push(std::move(payload));
}

void CaseRun::push(Bytes payload) {
  payloads_.push_back(std::move(payload));
}

std::optional<Error> CaseRun::replay(TextSink& sink) {
  schema::Schema schema;
  set_ddl_rules(options_, schema);
  for (const auto& job : history_) schema.add_pending(job);
  Result<SyncerRules> rules = make_rules(options_);
  if (!rules.ok()) return rules.error();
  constexpr QueueLimits kQueue{.items = 10000, .bytes = 64u << 20};
  const PumpId pump("pump");
  Merger merger(CommitTs(0), kQueue);
  merger.set_sources({pump});
  BoundedQueue<tidb::BinlogItem> queue(kQueue);
  Collector collector(
      merger,
      [this](DdlJobId id, const StopToken&) -> Result<std::shared_ptr<const DdlJob>> {
        const auto found = jobs_.find(id);
        if (found == jobs_.end()) return make_error(ErrorCode::kNotFound, "no DDL job {}", id);
        return found->second;
      },
      queue);
  ThreadGroup threads;
  threads.start("collector", [&](const StopToken& stop) { return collector.run(stop); });
  SystemClock clock;
  rules->until = CommitTs(last_ts_);
  Syncer syncer(queue, schema, *rules, sink, CommitTs(0), clock);
  payloads_.push_back(fakes::fake_payload(last_ts_ + 1));
  threads.start("pump", [&](const StopToken& stop) -> Result<void> {
    for (Bytes& payload : payloads_) {
      ASSIGN_OR_RETURN(tidb::BinlogItem item, tidb::BinlogItem::parse(std::move(payload)));
      if (!merger.offer(pump, fakes::one(std::move(item)), stop)) break;
    }
    return {};
  });
  Result<void> done = syncer.run(threads.stop_token());
  threads.request_stop();
  const Result<void> fed = threads.wait();
  if (!done.ok() && done.error().code() != ErrorCode::kStopped) return std::move(done).error();
  if (!fed.ok()) return fed.error();
  return std::nullopt;
}

}  // namespace drainer::cases
