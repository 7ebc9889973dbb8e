#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conf/options.h"
#include "drainer/tidb/binlog_item.h"
#include "drainer/tidb/ddl_job.h"
#include "tests/cases/case_file.h"
#include "tests/cases/row_text.h"
#include "tests/cases/text_sink.h"

namespace drainer::cases {

/// What one `expect` section got; `lines` is what belongs there.
struct Outcome {
  size_t line;
  std::vector<std::string> expected;
  std::vector<std::string> lines;
};

/// Runs a case: its catalogue and binlogs through merger, collector, schema, syncer and the
/// statements of the MySQL sink, as in the drainer. Throws std::runtime_error when the case itself
/// is wrong. One thread.
class CaseRun {
 public:
  std::vector<Outcome> run(const std::string& text);

 private:
  struct Table {
    int64_t schema_id;
    std::shared_ptr<const tidb::TableInfo> info;
  };
  /// What is known of a table under construction in a `ddl` section.
  struct TableBlock {
    std::string name;
    int64_t id = 0;
    std::vector<CaseLine> lines;
  };
  struct DdlSection {
    std::map<std::string, CaseLine> fields;
    std::vector<TableBlock> tables;
  };
  struct Expectation {
    const CaseSection* section;
    int64_t until;  ///< commit ts of the last transaction before it
    bool is_error;
  };

  void add_section(const CaseSection& section);
  void set_options(const CaseSection& section);
  void add_table(TextScanner& head, const CaseSection& section);
  void add_downstream(TextScanner& head, const CaseSection& section);
  void add_ddl(TextScanner& head, const CaseSection& section);
  void add_job(const CaseSection& section, bool is_in_stream);
  void add_txn(TextScanner& head, const CaseSection& section);
  void add_row(TextScanner& line, struct MutationsText& mutations);
  void add_binlog(const CaseSection& section);

  DdlSection split_ddl(const CaseSection& section);
  void follow(const tidb::DdlJob& job);
  int64_t schema_id(const std::string& name);
  Table& table_named(const std::string& schema, const std::string& table, size_t line);
  void stream_ddl(std::shared_ptr<const tidb::DdlJob> job, const std::string& text);
  int64_t next_commit_ts(TextScanner& head);
  void push(Bytes payload);
  std::optional<Error> replay(TextSink& sink);

  Options options_;
  TextSink::Options sink_options_;
  std::map<std::string, int64_t> schemas_;
  std::map<schema::TableName, Table> tables_;
  std::map<DdlJobId, std::shared_ptr<const tidb::DdlJob>> jobs_;
  std::vector<std::shared_ptr<const tidb::DdlJob>> history_;  ///< known at the start
  std::vector<Bytes> payloads_;
  std::vector<Expectation> expectations_;
  int64_t last_id_ = 100;  ///< of schemas, tables, jobs
  int64_t last_version_ = 10;
  int64_t last_ts_ = 1000;
  int64_t last_row_id_ = 0;
};

}  // namespace drainer::cases
