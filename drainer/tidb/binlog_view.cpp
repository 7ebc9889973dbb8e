#include "drainer/tidb/binlog_view.h"

#include "drainer/base/wire_reader.h"

#include <algorithm>
#include <limits>

namespace drainer::tidb {
namespace {

/// Enumerators that we do not know stay unknown: they must not turn into known ones by cutting.
uint8_t narrow_enum(uint64_t value) {
  return static_cast<uint8_t>(std::min<uint64_t>(value, std::numeric_limits<uint8_t>::max()));
}

MutationType to_mutation_type(uint64_t value) {
  return static_cast<MutationType>(narrow_enum(value));
}

/// How many elements the lists of a mutation, or of several, have.
struct Sizes {
  size_t inserted_rows = 0;
  size_t updated_rows = 0;
  size_t deleted_rows = 0;
  size_t sequence = 0;

  size_t rows() const { return inserted_rows + updated_rows + deleted_rows; }
};

/// Adds those of `mutation`. What is malformed is left to parse_mutation(), which stops there.
void add_sizes(ByteView mutation, Sizes& sizes) {
  FieldReader fields(mutation, mutation.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    switch (fields.field()) {
      case 2:
        ++sizes.inserted_rows;
        break;
      case 3:
        ++sizes.updated_rows;
        break;
      case 6:
        ++sizes.deleted_rows;
        break;
      case 7:
        fields.take_varints([&](uint64_t) { ++sizes.sequence; });
        continue;
      default:
        break;
    }
    fields.skip();
  }
}

/// Appends the lists of a mutation to those of `out`, which have room for them.
Result<void> parse_mutation(ByteView message, const char* origin, PrewriteView& out) {
  Sizes sizes;
  add_sizes(message, sizes);
  out.rows.resize(out.rows.size() + sizes.rows());
  ByteView* const inserted = out.rows.data() + out.rows.size() - sizes.rows();
  ByteView* const updated = inserted + sizes.inserted_rows;
  ByteView* const deleted = updated + sizes.updated_rows;
  const MutationType* const sequence = out.sequence.data() + out.sequence.size();
  MutationView& mutation =
      out.mutations.emplace_back(MutationView{.table_id = TableId(0),
                                              .inserted_rows = {inserted, sizes.inserted_rows},
                                              .updated_rows = {updated, sizes.updated_rows},
                                              .deleted_rows = {deleted, sizes.deleted_rows},
                                              .sequence = {sequence, sizes.sequence}});
  Sizes seen;
  FieldReader fields(message, origin);
  for (fields.next(); fields.field() != 0; fields.next()) {
    switch (fields.field()) {
      case 1:
        mutation.table_id = TableId(fields.take_int64());
        break;
      case 2:
        inserted[seen.inserted_rows++] = fields.take_bytes();
        break;
      case 3:
        updated[seen.updated_rows++] = fields.take_bytes();
        break;
      case 6:
        deleted[seen.deleted_rows++] = fields.take_bytes();
        break;
      case 7:
        fields.take_varints(
            [&](uint64_t value) { out.sequence.push_back(to_mutation_type(value)); });
        break;
      default:
        fields.skip();
    }
  }
  return fields.ok() ? Result<void>() : fields.fault();
}

/// Makes room for everything in a PrewriteValue; what is malformed is found when it is parsed.
void reserve_for(ByteView prewrite_value, PrewriteView& out) {
  size_t mutations = 0;
  Sizes sizes;
  FieldReader fields(prewrite_value, prewrite_value.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    if (fields.field() != 2) {
      fields.skip();
      continue;
    }
    ++mutations;
    add_sizes(fields.take_bytes(), sizes);
  }
  out.mutations.reserve(mutations);
  out.rows.reserve(sizes.rows());
  out.sequence.reserve(sizes.sequence);
}

}  // namespace

Result<BinlogView> parse_binlog(ByteView payload) {
  BinlogView view;
  FieldReader fields(payload, payload.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    switch (fields.field()) {
      case 1:
        view.type = static_cast<int32_t>(fields.take_int64());
        break;
      case 2:
        view.start_ts = StartTs(fields.take_int64());
        break;
      case 3:
        view.commit_ts = CommitTs(fields.take_int64());
        break;
      case 5:
        view.prewrite_value = fields.take_bytes();
        break;
      case 6:
        view.ddl_query = fields.take_bytes();
        break;
      case 7:
        view.ddl_job_id = DdlJobId(fields.take_int64());
        break;
      case 8:
        view.ddl_schema_state = static_cast<SchemaState>(narrow_enum(fields.take_varint()));
        break;
      default:
        fields.skip();
    }
  }
  if (!fields.ok()) return fields.fault();
  return view;
}

Result<PrewriteView> parse_prewrite(ByteView prewrite_value) {
  PrewriteView view;
  reserve_for(prewrite_value, view);
  FieldReader fields(prewrite_value, prewrite_value.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    switch (fields.field()) {
      case 1:
        view.schema_version = SchemaVersion(fields.take_int64());
        break;
      case 2: {
        const ByteView message = fields.take_bytes();
        if (fields.ok()) TRY(parse_mutation(message, prewrite_value.data(), view));
        break;
      }
      default:
        fields.skip();
    }
  }
  if (!fields.ok()) return fields.fault();
  return view;
}

}  // namespace drainer::tidb
