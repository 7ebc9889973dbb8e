// The views of binlog messages against protobuf's own classes.

#include "drainer/base/check.h"
#include "drainer/proto/binlog.pb.h"
#include "drainer/tidb/binlog_view.h"

#include <algorithm>
#include <cstdint>

using namespace drainer;
using namespace drainer::tidb;

namespace {

bool is_same(std::span<const ByteView> view,
             const google::protobuf::RepeatedPtrField<std::string>& rows) {
  return std::equal(view.begin(), view.end(), rows.begin(), rows.end());
}

void compare(const BinlogView& view, const binlog::Binlog& message) {
  CHECK(view.start_ts.value == message.start_ts(), "start ts");
  CHECK(view.commit_ts.value == message.commit_ts(), "commit ts");
  CHECK(view.prewrite_value == message.prewrite_value(), "prewrite value");
  CHECK(view.ddl_query == message.ddl_query(), "ddl query");
  CHECK(view.ddl_job_id.value == message.ddl_job_id(), "ddl job id");
}

void compare(const PrewriteView& view, const binlog::PrewriteValue& message) {
  CHECK(view.schema_version.value == message.schema_version(), "schema version");
  CHECK(view.mutations.size() == static_cast<size_t>(message.mutations_size()), "mutations");
  for (int i = 0; i < message.mutations_size(); ++i) {
    const MutationView& mutation = view.mutations[static_cast<size_t>(i)];
    const binlog::TableMutation& other = message.mutations(i);
    CHECK(mutation.table_id.value == other.table_id(), "table id");
    CHECK(is_same(mutation.inserted_rows, other.inserted_rows()), "inserted rows");
    CHECK(is_same(mutation.updated_rows, other.updated_rows()), "updated rows");
    CHECK(is_same(mutation.deleted_rows, other.deleted_rows()), "deleted rows");
    // Unknown enumerators go elsewhere in protobuf, and its enums have 32 bits.
    CHECK(mutation.sequence.size() >= static_cast<size_t>(other.sequence_size()), "sequence");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView bytes(reinterpret_cast<const char*>(data), size);
  const auto view = parse_binlog(bytes);
  binlog::Binlog message;
  if (view.ok() && message.ParseFromArray(data, static_cast<int>(size))) compare(*view, message);
  const auto prewrite = parse_prewrite(bytes);
  binlog::PrewriteValue value;
  if (prewrite.ok() && value.ParseFromArray(data, static_cast<int>(size)))
    compare(*prewrite, value);
  return 0;
}
