#include "tests/integration/table_dump.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include <fmt/core.h>

#include "drainer/base/bytes.h"

namespace drainer::integration {

namespace {

std::string quoted(const std::string& name) {
  std::string out = "`";
  for (const char c : name) out.append(c == '`' ? 2 : 1, c);
  return out + "`";
}

std::string upper_hex(const std::string& bytes) {
  std::string out = to_hex(bytes);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c; });
  return out;
}

struct Column {
  std::string name;
  bool is_float;
  bool is_zerofill;
  bool is_text;
};

Result<std::vector<Column>> columns_of(mysql::Session& session, const std::string& table) {
  ASSIGN_OR_RETURN(const auto rows, session.query("show full columns from " + table));
  std::vector<Column> out;
  for (const mysql::ResultRow& row : rows) {
    const std::string type = row[1].value_or("");
    const bool is_float =
        type.starts_with("float") || type.starts_with("double") || type.starts_with("real");
    out.push_back({row[0].value_or(""), is_float, type.find("zerofill") != std::string::npos,
                   row[2].has_value()});
  }
  return out;
}

std::string select_list(const std::vector<Column>& columns) {
  std::string out;
  for (const Column& column : columns) {
    if (!out.empty()) out += ',';
    const std::string name = quoted(column.name);
    if (column.is_float) {
      out += name + "+0e0";
    } else if (column.is_text) {
      out += "hex(convert(" + name + " using utf8mb4))";
    } else {
      out += "hex(cast(" + name + (column.is_zerofill ? "+0" : "") + " as binary))";
    }
  }
  return out;
}

Result<void> append_rows(std::string& out, mysql::Session& session, const std::string& table,
                         const std::vector<Column>& columns) {
  ASSIGN_OR_RETURN(const auto rows,
                   session.query("select " + select_list(columns) + " from " + table));
  std::vector<std::string> lines;
  for (const mysql::ResultRow& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += '\t';
      if (!row[i]) {
        line += "NULL";
      } else if (columns[i].is_float) {
        char text[40];
        std::snprintf(text, sizeof text, "%.12g", std::strtod(row[i]->c_str(), nullptr));
        line += upper_hex(text);
      } else {
        line += *row[i];
      }
    }
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  for (const std::string& line : lines) out += line + "\n";
  return {};
}

// "# db.table" -> the lines below it, sorted.
std::map<std::string, std::vector<std::string>> split_tables(const std::string& dump) {
  std::map<std::string, std::vector<std::string>> out;
  std::vector<std::string>* table = nullptr;
  for (size_t begin = 0; begin < dump.size();) {
    const size_t end = std::min(dump.find('\n', begin), dump.size());
    std::string line = dump.substr(begin, end - begin);
    begin = end + 1;
    if (line.starts_with("# ")) {
      table = &out[line];
    } else if (table != nullptr) {
      table->push_back(std::move(line));
    }
  }
  return out;
}

}  // namespace

Result<std::string> dump_tables(mysql::Session& session, std::vector<std::string> databases) {
  std::sort(databases.begin(), databases.end());
  TRY(session.execute("set time_zone='+00:00'"));
  TRY(session.execute("set sql_mode=''"));
  std::string out;
  for (const std::string& database : databases) {
    Result<std::vector<mysql::ResultRow>> tables =
        session.query("show full tables from " + quoted(database));
    if (!tables.ok()) continue;  // an absent database shows as missing tables
    std::sort(tables->begin(), tables->end());
    for (const mysql::ResultRow& row : *tables) {
      const std::string name = row[0].value_or("");
      const std::string kind = row[1].value_or("");
      const std::string table = quoted(database) + "." + quoted(name);
      ASSIGN_OR_RETURN(const std::vector<Column> columns, columns_of(session, table));
      out += "# " + database + "." + name + (kind == "BASE TABLE" ? " " : " (view) ");
      for (size_t i = 0; i < columns.size(); ++i) out += (i > 0 ? "," : "") + columns[i].name;
      out += '\n';
      if (kind == "BASE TABLE") TRY(append_rows(out, session, table, columns));
    }
  }
  return out;
}

std::vector<std::string> databases_in(const std::string& dump) {
  std::set<std::string> out;
  for (const auto& [header, rows] : split_tables(dump)) {
    out.insert(header.substr(2, header.find('.') - 2));
  }
  return {out.begin(), out.end()};
}

std::vector<std::string> compare_dumps(const std::string& expected, const std::string& found,
                                       size_t most) {
  std::vector<std::string> out;
  const auto want = split_tables(expected);
  const auto have = split_tables(found);
  for (const auto& [header, rows] : want) {
    const auto other = have.find(header);
    if (other == have.end()) {
      out.push_back("missing table " + header);
      continue;
    }
    if (rows == other->second) continue;
    std::vector<std::string> lost;
    std::vector<std::string> extra;
    std::set_difference(rows.begin(), rows.end(), other->second.begin(), other->second.end(),
                        std::back_inserter(lost));
    std::set_difference(other->second.begin(), other->second.end(), rows.begin(), rows.end(),
                        std::back_inserter(extra));
    out.push_back(fmt::format("{}: {} rows missing, {} rows too many; expected {} found {}", header,
                              lost.size(), extra.size(), lost.empty() ? "-" : lost.front(),
                              extra.empty() ? "-" : extra.front()));
  }
  for (const auto& [header, rows] : have) {
    if (!want.contains(header)) out.push_back("table too many: " + header);
  }
  if (out.size() > most) {
    const size_t hidden = out.size() - most;
    out.resize(most);
    out.push_back(fmt::format("and {} more differences", hidden));
  }
  return out;
}

}  // namespace drainer::integration
