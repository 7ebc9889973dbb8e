#include "syncer/translate.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"
#include "drainer/tidb/fits.h"
#include "drainer/tidb/row.h"
#include "syncer/double_writes.h"
#include "syncer/missing_value.h"

namespace drainer {

namespace {

using tidb::MutationType;
using tidb::MutationView;
using tidb::Value;
using tidb::ValueKind;

// A mutation that is wanted, and its table at that moment.
struct WantedMutation {
  const MutationView* mutation;
  schema::TableLookup found;
};

// Fills one transaction from the mutations of one binlog.
class DmlTranslator {
 public:
  DmlTranslator(Txn& txn, const tidb::TimeZone& zone, const RowFilter& filter,
                bool keeps_double_writes, bool looks_for_newer)
      : txn_(txn),
        zone_(zone),
        filter_(filter),
        keeps_double_writes_(keeps_double_writes),
        looks_for_newer_(looks_for_newer) {}

  // Room for all, so that nothing moves while they are added.
  void reserve(const std::vector<WantedMutation>& wanted) {
    size_t rows = 0;
    size_t values = 0;
    for (const WantedMutation& one : wanted) {
      // A damaged sequence may be longer than its rows.
      const size_t updated = one.mutation->updated_rows.size();
      const size_t changed =
          one.mutation->inserted_rows.size() + one.mutation->deleted_rows.size() + updated;
      rows += changed;
      values += one.found.table->info->columns.size() * (changed + updated);
    }
    txn_.tables.reserve(wanted.size());
    txn_.rows.reserve(rows);
    txn_.values.reserve(values);
  }

  Result<void> add(const MutationView& mutation, const schema::TableLookup& found) {
    std::shared_ptr<const schema::TableVersion> table = found.table;
    table_ = table.get();
    rule_name_ = found.rule_name;
    unknown_id_ = 0;
    misfits_.clear();
    // Whoever wrote with the version of the table's description knew no wider types.
    checks_fit_ = looks_for_newer_ && txn_.schema_version > table_->since;
    table_index_ = static_cast<uint32_t>(txn_.tables.size());
    txn_.tables.push_back(std::move(table));
    doubles_.reset();
    if (!keeps_double_writes_) doubles_.emplace(*table_->info);
    size_t inserted = 0;
    size_t updated = 0;
    size_t deleted = 0;
    for (const MutationType type : mutation.sequence) {
      switch (type) {
        case MutationType::kInsert:
          TRY(add_row(RowKind::kInsert, mutation.inserted_rows, inserted++));
          break;
        case MutationType::kUpdate:
          TRY(add_row(RowKind::kUpdate, mutation.updated_rows, updated++));
          break;
        case MutationType::kDeleteRow:
          TRY(add_row(RowKind::kDelete, mutation.deleted_rows, deleted++));
          break;
        case MutationType::kDeleteId:
        case MutationType::kDeletePk:
          return make_error(ErrorCode::kCorrupt, "unknown mutation type: {}",
                            static_cast<int>(type));
      }
    }
    return {};
  }

  /// The highest column id in the rows of the last mutation that its table does not have.
  int64_t unknown_id() const { return unknown_id_; }
  /// Columns of the last mutation's table that cannot hold their value in a row.
  const std::vector<const tidb::ColumnInfo*>& misfits() const { return misfits_; }

 private:
  Result<void> add_row(RowKind kind, std::span<const ByteView> rows, size_t index) {
    if (index >= rows.size()) {
      return make_error(ErrorCode::kCorrupt,
                        "mutation has {} rows of a kind, its sequence wants more", rows.size());
    }
    if (filter_.keeps_kind && !filter_.keeps_kind(*rule_name_, kind)) return {};
    const size_t columns = table_->info->columns.size();
    const size_t begin = txn_.values.size();
    txn_.values.resize(begin + columns * (kind == RowKind::kUpdate ? 2 : 1));
    const std::span<Value> values(txn_.values.data() + begin, columns);
    RowChange change{kind, table_index_, static_cast<uint32_t>(begin),
                     static_cast<uint32_t>(begin)};
    Result<void> decoded;
    switch (kind) {
      case RowKind::kInsert:
        decoded = tidb::decode_insert_row(rows[index], *table_->info, values, &unknown_id_);
        if (decoded.ok()) decoded = fill_defaults(values);
        break;
      case RowKind::kUpdate: {
        change.old_begin = static_cast<uint32_t>(begin + columns);
        const std::span<Value> old(txn_.values.data() + change.old_begin, columns);
        decoded = tidb::decode_update_row(rows[index], *table_->info, old, values, &unknown_id_);
        if (decoded.ok()) decoded = finish(old);
        break;
      }
      case RowKind::kDelete:
        decoded = tidb::decode_delete_row(rows[index], *table_->info, values);
        break;
    }
    if (decoded.ok()) decoded = finish(values);
    if (!decoded.ok()) {
      return std::move(decoded).error().because("row {} of table `{}`.`{}`", txn_.rows.size(),
                                                table_->name.schema, table_->name.table);
    }
    if (doubles_ && doubles_->is_repeated(change, rows[index], txn_.values)) {
      metric::double_writes_total().add();
      txn_.values.resize(begin);
      return {};
    }
    txn_.rows.push_back(change);
    return {};
  }

  Result<void> fill_defaults(std::span<Value> values) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (!values[i].is_absent()) continue;
      if (!table_->info->columns[i].is_writable()) continue;
      ASSIGN_OR_RETURN(values[i], missing_value(*table_, txn_.schema_version, i, zone_));
    }
    return {};
  }

  // Converts times and takes note of what may be of a later schema.
  Result<void> finish(std::span<Value> values) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (checks_fit_ && !tidb::fits(values[i], table_->info->columns[i].type)) [[unlikely]] {
        note_misfit(table_->info->columns[i]);
      }
      if (values[i].kind != ValueKind::kTimestampUtc) continue;
      Result<uint64_t> local = zone_.to_local(values[i].u);
      if (!local.ok()) {
        return std::move(local).error().because("column `{}`", table_->info->columns[i].name);
      }
      values[i].u = *local;
      values[i].kind = ValueKind::kDatetime;
    }
    return {};
  }

  void note_misfit(const tidb::ColumnInfo& column) {
    if (std::ranges::find(misfits_, &column) == misfits_.end()) misfits_.push_back(&column);
  }

  Txn& txn_;
  const tidb::TimeZone& zone_;
  const RowFilter& filter_;
  const bool keeps_double_writes_;
  const bool looks_for_newer_;
  std::optional<DoubleWrites> doubles_;  ///< of table_
  const schema::TableVersion* table_ = nullptr;
  const schema::TableName* rule_name_ = nullptr;
  uint32_t table_index_ = 0;
  int64_t unknown_id_ = 0;
  std::vector<const tidb::ColumnInfo*> misfits_;
  bool checks_fit_ = false;
};

void append_newer_columns(const DmlTranslator& translator, const schema::TableLookup& found,
                          std::vector<NewerColumn>& newer) {
  const tidb::TableInfo& info = *found.table->info;
  if (info.max_column_id > 0 && translator.unknown_id() > info.max_column_id) {
    newer.push_back({found.schema, found.id, ColumnId(translator.unknown_id())});
  }
  for (const tidb::ColumnInfo* const column : translator.misfits()) {
    const bool is_enum = column->type.type == tidb::ColumnType::kEnum;
    newer.push_back({found.schema, found.id, column->id, column->type, /*is_proof=*/!is_enum});
  }
}

// A row that cannot be read may have a member that one of the SETs does not have yet. False when
// there are none.
bool suspect_sets(const schema::TableLookup& found, std::vector<NewerColumn>& newer) {
  const size_t before = newer.size();
  for (const tidb::ColumnInfo& column : found.table->info->columns) {
    if (column.type.type != tidb::ColumnType::kSet) continue;
    newer.push_back({found.schema, found.id, column.id, column.type, /*is_proof=*/true,
                     /*is_required=*/true});
  }
  return newer.size() > before;
}

}  // namespace

Result<Txn> translate_dml(tidb::BinlogItem item, const tidb::PrewriteView& prewrite,
                          const schema::Schema& schema, const tidb::TimeZone& zone,
                          const RowFilter& filter, std::vector<NewerColumn>* newer) {
  Txn txn;
  txn.commit_ts = item.binlog().commit_ts;
  txn.start_ts = item.binlog().start_ts;
  txn.schema_version = prewrite.schema_version;
  std::vector<WantedMutation> wanted;
  wanted.reserve(prewrite.mutations.size());
  for (const MutationView& mutation : prewrite.mutations) {
    schema::TableLookup found = schema.find_table(mutation.table_id);
    if (found.state == schema::TableLookup::State::kTruncated) {
      log_info("skip old version truncate dml",
               {{"table id", mutation.table_id}, {"commit ts", txn.commit_ts}});
      continue;
    }
    if (found.state == schema::TableLookup::State::kUnknown) {
      return make_error(ErrorCode::kNotFound, "not found table id: {}", mutation.table_id)
          .because("commit ts {}", txn.commit_ts);
    }
    if (filter.keeps_table && !filter.keeps_table(*found.rule_name)) continue;
    wanted.push_back({&mutation, std::move(found)});
  }
  DmlTranslator translator(txn, zone, filter, schema.shows_original_errors(), newer != nullptr);
  translator.reserve(wanted);
  for (const WantedMutation& one : wanted) {
    Result<void> added = translator.add(*one.mutation, one.found);
    if (!added.ok()) {
      if (newer != nullptr && suspect_sets(one.found, *newer)) continue;
      return std::move(added).error().because("commit ts {}", txn.commit_ts);
    }
    if (newer != nullptr) append_newer_columns(translator, one.found, *newer);
  }
  txn.item = std::move(item);
  return txn;
}

}  // namespace drainer
