#include "tests/cases/text_sink.h"

#include "drainer/tidb/ddl_sql_mode.h"
#include "drainer/tidb/type_name.h"
#include "syncer/mysql/ddl.h"
#include "syncer/mysql/session/literal.h"

#include <algorithm>

namespace drainer::cases {

namespace {

constexpr mysql::PacketLimits kLimits{.packet_bytes = 1 << 20,
                                      .packet_bytes_max = 1 << 24,
                                      .packet_statements = 1000,
                                      .packet_scans = 1000,
                                      .statement_bytes = 1 << 19,
                                      .statement_rows = 100};
constexpr std::string_view kGuard = "SET @drainer_guard=18446744073709551615+(ROW_COUNT()<>";

mysql::ResultRow statistics_row(const std::string& index, size_t number, const std::string& column,
                                int64_t length, bool is_unique) {
  return {is_unique ? "0" : "1", index, std::to_string(number), column,
          length < 0 ? mysql::Field() : std::to_string(length)};
}

bool is_printable_utf8(std::string_view text, size_t at, size_t& size) {
  const auto lead = static_cast<unsigned char>(text[at]);
  size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0x80) return lead >= 0x20 && lead != 0x7f;
  if (lead < 0xc2 || lead > 0xf4 || at + size > text.size()) return false;
  for (size_t i = 1; i < size; ++i) {
    if ((static_cast<unsigned char>(text[at + i]) & 0xc0) != 0x80) return false;
  }
  return true;
}

// Bytes that an editor would not show, as \xNN.
std::string visible(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t size = 1;
    if (is_printable_utf8(text, at, size)) {
      out += text.substr(at, size);
      at += size;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[at]));
      ++at;
    }
  }
  return out;
}

void add_packet(std::string_view packet, std::vector<std::string>& lines) {
  for (const std::string_view statement : tidb::split_statements(packet)) {
    if (statement.starts_with(kGuard) && !lines.empty()) {
      const std::string_view count = statement.substr(kGuard.size());
      lines.back() += fmt::format(" -- rows: {}", count.substr(0, count.size() - 1));
    } else {
      lines.push_back(visible(statement));
    }
  }
}

mysql::Field precision_of(const tidb::FieldType& type) {
  const bool is_time = type.type == tidb::ColumnType::kDatetime ||
                       type.type == tidb::ColumnType::kTimestamp ||
                       type.type == tidb::ColumnType::kDuration;
  return is_time ? mysql::Field(std::to_string(type.fsp())) : mysql::Field();
}

}  // namespace

mysql::TableDescription describe_downstream(const tidb::TableInfo& table) {
  std::vector<mysql::ResultRow> columns;
  std::vector<mysql::ResultRow> statistics;
  size_t keys = 0;
  for (const tidb::ColumnInfo& column : table.columns) {
    if (column.state != tidb::SchemaState::kPublic || column.is_hidden) continue;
    const std::string charset(column.type.charset.name());
    columns.push_back(
        {column.name.str(), column.is_generated ? "VIRTUAL GENERATED" : "",
         std::string(tidb::type_name(column.type)), charset == "binary" ? mysql::Field() : charset,
         std::to_string(column.type.flen), charset == "binary" ? mysql::Field() : charset + "_bin",
         column.type.is_not_null() ? "NO" : "YES", precision_of(column.type),
         column.type.type == tidb::ColumnType::kNewDecimal
             ? std::to_string(std::max<int>(column.type.decimal, 0))
             : mysql::Field()});
    if (table.pk_is_handle && column.type.is_primary_key()) {
      statistics.push_back(
          statistics_row("PRIMARY", ++keys, column.name.str(), -1, /*is_unique=*/true));
    }
  }
  for (const tidb::IndexInfo& index : table.indices) {
    size_t number = 0;
    for (const tidb::IndexColumn& part : index.columns) {
      statistics.push_back(
          statistics_row(index.name, ++number, part.name.str(), part.length, index.is_unique));
    }
  }
  return mysql::describe(columns, statistics);
}

Result<void> TextSink::submit(Txn txn, const StopToken&) {
  std::vector<std::string>& lines = lines_[txn.commit_ts.value];
  if (txn.ddl && !txn.ddl->should_skip) {
    for (const mysql::DdlStep& step : mysql::ddl_steps(*txn.ddl)) {
      if (!step.use.empty()) lines.push_back(visible(step.use));
      lines.push_back(visible(step.text));
    }
    return {};
  }
  return write_rows(txn, lines);
}

Result<void> TextSink::write_rows(const Txn& txn, std::vector<std::string>& lines) {
  std::vector<mysql::TablePlan> plans;
  for (const auto& table : txn.tables) {
    const auto found = options_.downstream.find(table->name);
    const mysql::TableDescription same = describe_downstream(*table->info);
    ASSIGN_OR_RETURN(
        mysql::TablePlan plan,
        mysql::TablePlan::make(*table, found == options_.downstream.end() ? same : found->second,
                               options_.missing));
    plans.push_back(std::move(plan));
  }
  // Row by row: a case is about what a row becomes, not about how rows are put together.
  mysql::PlanSet one_by_one;
  for (const mysql::TablePlan& plan : plans) one_by_one.try_emplace(&plan);
  mysql::PacketWriter writer(kLimits, options_.style, options_.mode, one_by_one,
                             [&](std::string_view packet) -> Result<void> {
                               add_packet(packet, lines);
                               return {};
                             });
  for (const RowChange& row : txn.rows) TRY(writer.add_row(plans[row.table], txn, row));
  return writer.finish();
}

}  // namespace drainer::cases
