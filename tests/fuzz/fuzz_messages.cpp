// The readers of pb files' payloads and of Kafka messages on any bytes: an error or a transaction
// whose values lie within the bytes; what it says of DDL can be followed.

#include "drainer/base/check.h"
#include "drainer/base/log.h"
#include "drainer/tidb/value_text.h"
#include "syncer/file/message.h"
#include "syncer/file/message_reader.h"
#include "syncer/kafka/message.h"
#include "syncer/kafka/message_reader.h"
#include "syncer/relay/known_tables.h"

using namespace drainer;

namespace {

bool lies_in(ByteView outer, ByteView inner) {
  return inner.empty() || (inner.data() >= outer.data() &&
                           inner.data() + inner.size() <= outer.data() + outer.size());
}

void check_values(const Txn& txn, std::span<const tidb::Value> values) {
  std::string text;
  for (const tidb::Value& value : values) {
    switch (value.kind) {
      case tidb::ValueKind::kString:
      case tidb::ValueKind::kBinary:
      case tidb::ValueKind::kText:
        CHECK(lies_in(*txn.message, value.bytes()), "a value leaves its message");
        break;
      default:
        break;
    }
    CHECK(tidb::append_text(text, value).ok(), "a value without text");
  }
}

void check(Result<Txn> txn, bool is_named) {
  if (!txn.ok()) return;
  for (const RowChange& row : txn->rows) {
    check_values(*txn, txn->new_values(row));
    if (row.kind == RowKind::kUpdate) check_values(*txn, txn->old_values(row));
  }
  relay::KnownTables known;
  known.apply(*txn);
  if (txn->ddl) known.apply(*txn->ddl, is_named);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  (void)open_log({.level = LogLevel::kError, .file = ""});
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto payload = std::make_shared<const Bytes>(reinterpret_cast<const char*>(data), size);
  static const tidb::TimeZone east = tidb::TimeZone::load("+08:00").value();
  const ZonePair zones{.written = east, .wanted = tidb::TimeZone()};
  (void)file::find_commit_ts(*payload);
  (void)kafka::find_commit_ts(*payload);
  check(file::MessageReader(zones).read(payload), /*is_named=*/false);
  check(kafka::MessageReader(zones).read(payload), /*is_named=*/true);
  return 0;
}
