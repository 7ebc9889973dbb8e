#include "loopback/mark_filter.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "drainer/tidb/row.h"
#include "loopback/mark_table.h"

namespace drainer::loopback {

namespace {

constexpr std::string_view kChannelColumn = "channel_id";

bool equals_folded(std::string_view left, std::string_view right) {
  const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [&](char a, char b) { return fold(a) == fold(b); });
}

bool is_mark_table(const schema::TableName& name) {
  return equals_folded(name.schema, kMarkSchema) && equals_folded(name.table, kMarkTable);
}

// Decodes the rows of a mutation of the mark table and compares their channel.
class MarkRows {
 public:
  MarkRows(const tidb::TableInfo& table, int64_t channel_id, MarksFound& found)
      : table_(table),
        channel_id_(channel_id),
        found_(found),
        row_(table.columns.size()),
        old_(row_) {
    for (size_t i = 0; i < table.columns.size(); ++i) {
      if (table.columns[i].name == kChannelColumn) channel_offset_ = i;
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
      return make_error(ErrorCode::kInvalid, "wrong type of channelID");
    }
    if (value.i == channel_id_) {
      found_ = {.is_own = true, .other_channel = std::nullopt};
    } else if (!found_.is_own) {
      found_.other_channel = value.i;
    }
    return {};
  }

  const tidb::TableInfo& table_;
  int64_t channel_id_;
  MarksFound& found_;
  std::vector<tidb::Value> row_;
  std::vector<tidb::Value> old_;
  std::optional<size_t> channel_offset_;
};

}  // namespace

Result<MarksFound> MarkFilter::find_marks(const tidb::PrewriteView& prewrite,
                                          const schema::Schema& schema) const {
  MarksFound marks;
  if (!channel_id_) return marks;
  for (const tidb::MutationView& mutation : prewrite.mutations) {
    const schema::TableLookup found = schema.find_table(mutation.table_id);
    if (found.state != schema::TableLookup::State::kFound || !is_mark_table(found.table->name)) {
      continue;
    }
    MarkRows rows(*found.table->info, *channel_id_, marks);
    Result<void> looked = rows.look_at(mutation);
    if (!looked.ok())
      return std::move(looked).error().because("mark table retl._drainer_repl_mark");
  }
  return marks;
}

}  // namespace drainer::loopback
