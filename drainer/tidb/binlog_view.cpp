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

Result<void> parse_mutation(ByteView message, const char* origin, MutationView& out) {
  out.table_id = TableId(0);
  out.inserted_rows.clear();
  out.updated_rows.clear();
  out.deleted_rows.clear();
  out.sequence.clear();
  FieldReader fields(message, origin);
  for (fields.next(); fields.field() != 0; fields.next()) {
    switch (fields.field()) {
      case 1:
        out.table_id = TableId(fields.take_int64());
        break;
      case 2:
        out.inserted_rows.push_back(fields.take_bytes());
        break;
      case 3:
        out.updated_rows.push_back(fields.take_bytes());
        break;
      case 6:
        out.deleted_rows.push_back(fields.take_bytes());
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

/// Number of mutations in a PrewriteValue; what is malformed is found when they are parsed.
size_t count_mutations(ByteView prewrite_value) {
  size_t count = 0;
  FieldReader fields(prewrite_value, prewrite_value.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    if (fields.field() == 2) ++count;
    fields.skip();
  }
  return count;
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

Result<void> parse_prewrite_into(ByteView prewrite_value, PrewriteView& out) {
  out.schema_version = SchemaVersion(0);
  out.mutations.resize(count_mutations(prewrite_value));
  auto mutation = out.mutations.begin();
  FieldReader fields(prewrite_value, prewrite_value.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    switch (fields.field()) {
      case 1:
        out.schema_version = SchemaVersion(fields.take_int64());
        break;
      case 2: {
        const ByteView message = fields.take_bytes();
        if (fields.ok()) TRY(parse_mutation(message, prewrite_value.data(), *mutation++));
        break;
      }
      default:
        fields.skip();
    }
  }
  return fields.ok() ? Result<void>() : fields.fault();
}

Result<PrewriteView> parse_prewrite(ByteView prewrite_value) {
  PrewriteView view;
  TRY(parse_prewrite_into(prewrite_value, view));
  return view;
}

}  // namespace drainer::tidb
