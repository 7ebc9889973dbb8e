#include "tests/upstream/live_catalog.h"

#include <algorithm>
#include <regex>

#include "syncer/mysql/session/literal.h"
#include "tests/upstream/http.h"

namespace drainer::upstream {

namespace {

// Values of TiDB's model.ActionType and of its column types and flags.
enum Action : int64_t {
  kCreateSchema = 1,
  kDropSchema = 2,
  kCreateTable = 3,
  kDropTable = 4,
  kAddColumn = 5,
  kDropColumn = 6,
  kTruncateTable = 11,
  kModifyColumn = 12,
};
enum Flag : uint32_t { kNotNull = 1, kPrimaryKey = 2, kUnsigned = 32, kBinary = 128 };

const std::map<std::string, int> kTypes = {
    {"tinyint", 1},      {"smallint", 2},   {"mediumint", 9},  {"int", 3},
    {"bigint", 8},       {"double", 5},     {"timestamp", 7},  {"datetime", 12},
    {"varchar", 15},     {"varbinary", 15}, {"tinytext", 249}, {"text", 252},
    {"mediumtext", 250}, {"longtext", 251}, {"tinyblob", 249}, {"blob", 252},
    {"mediumblob", 250}, {"longblob", 251}, {"char", 254}};

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string name_json(const std::string& name) {
  return fmt::format(R"({{"O":{},"L":{}}})", json_string(name), json_string(lower(name)));
}

/// MariaDB quotes texts; TiDB keeps the text. Expressions are left out: rows carry all values.
std::string default_json(const mysql::Field& value) {
  if (!value || *value == "NULL" || value->find('(') != std::string::npos) return "null";
  const bool is_quoted = value->size() >= 2 && value->front() == '\'';
  return json_string(is_quoted ? value->substr(1, value->size() - 2) : *value);
}

std::string quoted(const std::string& text) {
  std::string out;
  mysql::append_quoted(out, text, {});
  return out;
}

void append_pair(Bytes& out, int64_t column_id, ByteView datum) {
  append_int_datum(out, column_id);
  out.append(datum);
}

/// All columns, and the row id where there is one.
Bytes whole_row(const LiveTable& table, const DatumRow& row, int64_t row_id) {
  Bytes out;
  for (size_t i = 0; i < row.size(); ++i) append_pair(out, table.columns[i].id, row[i]);
  if (table.handle == HandleKind::kRowId) {
    append_int_datum(out, -1);
    append_int_datum(out, row_id);
  }
  return out;
}

}  // namespace

std::vector<bool> LiveTable::unsigned_columns() const {
  std::vector<bool> out;
  for (const LiveColumn& column : columns) out.push_back(column.is_unsigned);
  return out;
}

Bytes LiveJob::json(int64_t start_ts, int64_t finished_ts) const {
  return fmt::format(
      R"({{"id":{},"type":{},"schema_id":{},"table_id":{},"schema_name":{},"table_name":{},)"
      R"("state":6,"err":null,"err_count":0,"row_count":0,"raw_args":null,"schema_state":5,)"
      R"("snapshot_ver":0,"start_ts":{},"dependency_id":0,"query":{},"binlog":{{)"
      R"("SchemaVersion":{},"DBInfo":{},"TableInfo":{},"FinishedTS":{},)"
      R"("MultipleTableInfos":null}},"version":1}})",
      id, type, schema_id, table_id, json_string(lower(schema)), json_string(lower(table)),
      start_ts, json_string(query), schema_version, database_json, table_json, finished_ts);
}

std::optional<LiveCatalog::Statement> LiveCatalog::parse(const std::string& schema,
                                                         const std::string& sql) {
  static const std::regex pattern(
      R"re(^\s*(create|drop|alter|truncate)\s+(?:or\s+replace\s+)?(database|schema|table)?\s*)re"
      R"re((?:if\s+(?:not\s+)?exists\s+)?(?:(?:`([^`]+)`|(\w+))\s*\.\s*)?(?:`([^`]+)`|(\w+)))re",
      std::regex::icase);
  std::smatch found;
  if (!std::regex_search(sql, found, pattern)) return std::nullopt;
  const auto either = [&](size_t a) {
    return found[a].matched ? found[a].str() : found[a + 1].str();
  };
  const std::string object = lower(found[2].str());
  Statement out{
      .verb = lower(found[1].str()), .is_table = object == "table", .schema = schema, .table = {}};
  if (object.empty() && out.verb != "truncate") return std::nullopt;  // user, index, view …
  if (object.empty() || out.is_table) {
    out.is_table = true;
    if (!either(3).empty()) out.schema = either(3);
    out.table = either(5);
  } else {
    out.schema = either(5);
  }
  return out;
}

const LiveTable* LiveCatalog::find(const std::string& schema, const std::string& table) const {
  const auto found = tables_.find(schema + "." + table);
  return found == tables_.end() ? nullptr : &found->second;
}

Result<std::optional<LiveJob>> LiveCatalog::run(const std::string& schema, const std::string& sql) {
  const auto statement = parse(schema, sql);
  if (!statement || statement->schema == "mysql") return std::optional<LiveJob>();
  if (statement->is_table) return run_on_table(*statement, sql);
  return run_on_database(*statement, sql);
}

LiveJob LiveCatalog::make_job(const Statement& statement, const std::string& sql, int64_t type) {
  return {.id = ++last_id_,
          .type = type,
          .schema_id = databases_[statement.schema],
          .schema = statement.schema,
          .table = statement.table,
          .query = sql,
          .schema_version = ++schema_version_};
}

std::optional<LiveJob> LiveCatalog::run_on_database(const Statement& statement,
                                                    const std::string& sql) {
  const bool is_known = databases_.contains(statement.schema);
  const bool is_create = statement.verb == "create";
  if (is_known == is_create) return std::nullopt;  // IF [NOT] EXISTS
  if (is_create) databases_[statement.schema] = ++last_id_;
  LiveJob job = make_job(statement, sql, is_create ? kCreateSchema : kDropSchema);
  job.database_json = fmt::format(
      R"({{"id":{},"db_name":{},"charset":"utf8mb4","collate":"utf8mb4_bin","state":{}}})",
      job.schema_id, name_json(statement.schema), is_create ? 5 : 0);
  if (!is_create) {
    databases_.erase(statement.schema);
    std::erase_if(tables_, [&](const auto& entry) {
      return entry.first.starts_with(statement.schema + ".");
    });
  }
  return job;
}

Result<std::optional<LiveJob>> LiveCatalog::run_on_table(const Statement& statement,
                                                         const std::string& sql) {
  const std::string name = statement.schema + "." + statement.table;
  const bool is_known = tables_.contains(name);
  const bool is_create = statement.verb == "create";
  if (is_known == is_create) return std::optional<LiveJob>();  // IF [NOT] EXISTS
  if (statement.verb == "drop") {
    LiveJob job = make_job(statement, sql, kDropTable);
    job.table_id = tables_[name].id;
    job.table_json = tables_[name].json;
    tables_.erase(name);
    return std::optional(std::move(job));
  }
  LiveTable& table = tables_[name];
  const size_t columns = table.columns.size();
  const int64_t old_id = table.id;
  if (is_create || statement.verb == "truncate") table.id = ++last_id_;
  table.schema_id = databases_[statement.schema];
  TRY(describe(statement, table));
  Action type = kModifyColumn;
  if (is_create) type = kCreateTable;
  if (statement.verb == "truncate") type = kTruncateTable;
  if (statement.verb == "alter" && table.columns.size() > columns) type = kAddColumn;
  if (statement.verb == "alter" && table.columns.size() < columns) type = kDropColumn;
  LiveJob job = make_job(statement, sql, type);
  job.table_id = type == kTruncateTable ? old_id : table.id;
  job.table_json = table.json;
  return std::optional(std::move(job));
}

Result<void> LiveCatalog::describe(const Statement& statement, LiveTable& table) {
  const std::string where = fmt::format(" WHERE table_schema={} AND table_name={} ORDER BY ",
                                        quoted(statement.schema), quoted(statement.table));
  ASSIGN_OR_RETURN(
      const auto rows,
      session_.query("SELECT column_name, data_type, column_type, is_nullable, column_default, "
                     "character_maximum_length, datetime_precision, character_set_name, "
                     "collation_name, column_key FROM information_schema.columns" +
                     where + "ordinal_position"));
  if (rows.empty()) {
    return make_error(ErrorCode::kNotFound, "{}.{} is gone before its DDL was looked at",
                      statement.schema, statement.table);
  }
  std::vector<LiveColumn> columns;
  std::string columns_json;
  table.key.clear();
  bool is_key_integer = true;
  for (const mysql::ResultRow& row : rows) {
    const std::string& data_type = *row[1];
    const auto type = kTypes.find(data_type);
    if (type == kTypes.end()) {
      return make_error(ErrorCode::kUnsupported, "column type {} of {}.{}", *row[2],
                        statement.schema, statement.table);
    }
    const auto former = std::ranges::find(table.columns, *row[0], &LiveColumn::name);
    const bool is_new = former == table.columns.end();
    LiveColumn column{.id = is_new ? ++table.column_id_max : former->id,
                      .name = *row[0],
                      .is_unsigned = row[2]->find("unsigned") != std::string::npos,
                      .json = {}};
    const bool is_key = row[9] == "PRI";
    const bool is_text = row[7].has_value();
    const bool is_integer = type->second <= 3 || type->second == 8 || type->second == 9;
    uint32_t flags = (row[3] == "NO" ? kNotNull : 0U) | (is_key ? kPrimaryKey : 0U) |
                     (column.is_unsigned ? kUnsigned : 0U) | (is_text || is_integer ? 0U : kBinary);
    if (is_key) table.key.push_back(columns.size());
    is_key_integer = is_key_integer && (!is_key || is_integer);
    // A column that came later has its default in the rows before it.
    const std::string value = default_json(row[4]);
    const bool is_added = is_new && !table.columns.empty();
    column.json = fmt::format(
        R"({{"id":{},"name":{},"offset":{},"origin_default":{},"default":{},)"
        R"("generated_expr_string":"","type":{{"Tp":{},"Flag":{},"Flen":{},"Decimal":{},)"
        R"("Charset":"{}","Collate":"{}","Elems":null}},"state":5,"version":2}})",
        column.id, name_json(column.name), columns.size(), is_added ? value : "null", value,
        type->second, flags, row[5].value_or("-1"), row[6].value_or("0"), row[7].value_or("binary"),
        row[8].value_or("binary"));
    columns_json += (columns_json.empty() ? "" : ",") + column.json;
    columns.push_back(std::move(column));
  }
  table.columns = std::move(columns);
  ASSIGN_OR_RETURN(const auto parts,
                   session_.query("SELECT index_name, non_unique, column_name FROM "
                                  "information_schema.statistics" +
                                  where + "index_name, seq_in_index"));
  table.handle = HandleKind::kRowId;
  if (!table.key.empty() && is_key_integer) {
    table.handle = table.key.size() == 1 ? HandleKind::kInteger : HandleKind::kCommon;
  }
  std::string indices;
  for (size_t i = 0; i < parts.size();) {
    const std::string name = *parts[i][0];
    const bool is_unique = parts[i][1] == "0";
    std::string index_columns;
    for (; i < parts.size() && *parts[i][0] == name; ++i) {
      const auto column = std::ranges::find(table.columns, *parts[i][2], &LiveColumn::name);
      index_columns += fmt::format(R"({}{{"name":{},"offset":{},"length":-1}})",
                                   index_columns.empty() ? "" : ",", name_json(*parts[i][2]),
                                   column - table.columns.begin());
    }
    if (name == "PRIMARY" && table.handle == HandleKind::kInteger) continue;
    indices += fmt::format(
        R"({}{{"id":{},"idx_name":{},"tbl_name":{{"O":"","L":""}},"idx_cols":[{}],"state":5,)"
        R"("is_unique":{},"is_primary":{}}})",
        indices.empty() ? "" : ",", i, name_json(name), index_columns, is_unique,
        name == "PRIMARY");
  }
  table.json = fmt::format(
      R"({{"id":{},"name":{},"charset":"utf8mb4","collate":"utf8mb4_bin","cols":[{}],)"
      R"("index_info":[{}],"fk_info":null,"state":5,"pk_is_handle":{},"is_common_handle":{},)"
      R"("common_handle_version":{},"max_col_id":{},"partition":null,"view":null,"sequence":null,)"
      R"("version":5}})",
      table.id, name_json(statement.table), columns_json, indices,
      table.handle == HandleKind::kInteger, table.handle == HandleKind::kCommon,
      table.handle == HandleKind::kCommon ? 1 : 0, table.column_id_max);
  return {};
}

Bytes LiveCatalog::insert_row(const LiveTable& table, const DatumRow& row, int64_t row_id) {
  Bytes out;
  if (table.handle == HandleKind::kRowId) append_int_datum(out, row_id);
  for (const size_t part : table.key) {
    if (table.handle != HandleKind::kRowId) out.append(row[part]);
  }
  const size_t handle_bytes = out.size();
  for (size_t i = 0; i < row.size(); ++i) {
    const bool is_in_handle =
        table.handle != HandleKind::kRowId && std::ranges::find(table.key, i) != table.key.end();
    if (!is_in_handle) append_pair(out, table.columns[i].id, row[i]);
  }
  if (out.size() == handle_bytes) out.append(kNilDatum);
  return out;
}

Bytes LiveCatalog::update_row(const LiveTable& table, const DatumRow& old_row,
                              const DatumRow& new_row, int64_t row_id) {
  return whole_row(table, old_row, row_id) + whole_row(table, new_row, row_id);
}

Bytes LiveCatalog::delete_row(const LiveTable& table, const DatumRow& row, int64_t row_id) {
  return whole_row(table, row, row_id);
}

}  // namespace drainer::upstream
