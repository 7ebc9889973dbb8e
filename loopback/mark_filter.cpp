#include "loopback/mark_filter.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "drainer/base/ascii.h"
#include "drainer/tidb/row.h"
#include "loopback/mark_table.h"

namespace drainer::loopback {

namespace {

constexpr std::string_view kIdColumn = "id";
constexpr std::string_view kChannelColumn = "channel_id";
constexpr std::string_view kInfoColumn = "channel_info";

bool is_mark_table(const schema::TableName& name) {
  return equals_folded(name.schema, kMarkSchema) && equals_folded(name.table, kMarkTable);
}

Error wrong_channel(const tidb::Value& value) {
  const char* found = "no number";
  if (value.is_null()) found = "NULL";
  if (value.kind == tidb::ValueKind::kUint) found = "an unsigned number";
  return make_error(ErrorCode::kInvalid,
                    "wrong type of channelID: {} in column {} of the upstream's {}.{}, which must "
                    "be a bigint: rename or drop the table while no drainer writes there, it is "
                    "made anew",
                    found, kChannelColumn, kMarkSchema, kMarkTable);
}

// The rising channels of marks, and those of notes about sync-ddl.
struct Channels {
  std::set<int64_t> marked;
  std::set<int64_t> syncing_ddl;
};

// Decodes the rows of a mutation of the mark table and notes their channels.
class MarkRows {
 public:
  MarkRows(const tidb::TableInfo& table, Channels& found)
      : table_(table), found_(found), row_(table.columns.size()), old_(row_) {
    for (size_t i = 0; i < table.columns.size(); ++i) {
      const std::string_view name = table.columns[i].name.view();
      if (name == kIdColumn) id_offset_ = i;
      if (name == kChannelColumn) channel_offset_ = i;
      if (name == kInfoColumn) info_offset_ = i;
    }
  }

  Result<void> look_at(const tidb::MutationView& mutation) {
    if (!channel_offset_) return {};
    for (const ByteView row : mutation.inserted_rows) {
      TRY(tidb::decode_insert_row(row, table_, row_));
      TRY(take_channel());
    }
    for (const ByteView row : mutation.updated_rows) {
      TRY(tidb::decode_update_row(row, table_, old_, row_));
      TRY(take_channel());
    }
    for (const ByteView row : mutation.deleted_rows) {
      TRY(tidb::decode_delete_row(row, table_, row_));
      TRY(take_channel());
    }
    return {};
  }

 private:
  Result<void> take_channel() {
    const tidb::Value& value = row_[*channel_offset_];
    if (value.is_absent()) return {};
    if (value.kind != tidb::ValueKind::kInt) {
      return wrong_channel(value);
    }
    found_.marked.insert(value.i);
    if (is_sync_ddl_note()) found_.syncing_ddl.insert(value.i);
    return {};
  }

  bool is_sync_ddl_note() const {
    if (!id_offset_ || !info_offset_) return false;
    const tidb::Value& id = row_[*id_offset_];
    const tidb::Value& info = row_[*info_offset_];
    return id.kind == tidb::ValueKind::kInt && id.i == kNoteId &&
           info.kind == tidb::ValueKind::kString && info.bytes() == kSyncDdlNote;
  }

  const tidb::TableInfo& table_;
  Channels& found_;
  std::vector<tidb::Value> row_;
  std::vector<tidb::Value> old_;
  std::optional<size_t> id_offset_;
  std::optional<size_t> channel_offset_;
  std::optional<size_t> info_offset_;
};

}  // namespace

Result<bool> check_mark_table(const schema::Schema& schema) {
  bool is_there = false;
  for (const auto& [id, table] : schema.tables()) {
    if (!is_mark_table(table->name)) continue;
    is_there = true;
    const auto& columns = table->info->columns;
    const auto name_of = [](const tidb::ColumnInfo& column) { return column.name.view(); };
    const auto channel = std::ranges::find(columns, kChannelColumn, name_of);
    const bool is_right = channel != columns.end() && !channel->type.is_unsigned() &&
                          channel->type.type == tidb::ColumnType::kLongLong;
    if (is_right) continue;
    return make_error(ErrorCode::kInvalid,
                      "the mark table {}.{} of the upstream has no column channel_id of type "
                      "bigint: marks in it cannot be read",
                      table->name.schema, table->name.table);
  }
  return is_there;
}

MarkFilter::MarkFilter(int64_t channel_id, std::vector<int64_t> stop_channels)
    : stop_channels_(std::move(stop_channels)), hands_on_marks_(!stop_channels_.empty()) {
  stop_channels_.push_back(channel_id);
}

Result<MarksFound> MarkFilter::find_marks(const tidb::PrewriteView& prewrite,
                                          const schema::Schema& schema) const {
  MarksFound marks;
  if (!is_on()) return marks;
  Channels channels;
  for (const tidb::MutationView& mutation : prewrite.mutations) {
    const schema::TableLookup found = schema.find_table(mutation.table_id);
    if (found.state != schema::TableLookup::State::kFound || !is_mark_table(found.table->name)) {
      continue;
    }
    MarkRows rows(*found.table->info, channels);
    Result<void> looked = rows.look_at(mutation);
    if (!looked.ok())
      return std::move(looked).error().because("mark table retl._drainer_repl_mark");
  }
  marks.stops_here = std::ranges::any_of(
      stop_channels_, [&](int64_t channel) { return channels.marked.contains(channel); });
  if (marks.stops_here) {
    marks.is_sync_ddl_note =
        !hands_on_marks_ && channels.syncing_ddl.contains(stop_channels_.front());
    return marks;
  }
  marks.other_channels.assign(channels.marked.begin(), channels.marked.end());
  return marks;
}

}  // namespace drainer::loopback
