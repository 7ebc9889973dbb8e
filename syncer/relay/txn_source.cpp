#include "syncer/relay/txn_source.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "drainer/base/wire_reader.h"

namespace drainer::relay {

namespace {

// Field 4 of a record: the text of a DDL in pb files, the message DDLData in relay logs.
ByteView ddl_of(ByteView payload) {
  ByteView ddl;
  FieldReader fields(payload, payload.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    if (fields.field() == 4) {
      ddl = fields.take_bytes();
    } else {
      fields.skip();
    }
  }
  return ddl;
}

// 0a len schema, 12 len table, 1a len query and nothing else. Of the keys only the first is a
// character that may stand between words.
bool is_ddl_data(ByteView ddl) {
  bool has_own_key = false;
  FieldReader fields(ddl, ddl.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    if (fields.field() > 3) return false;
    has_own_key = has_own_key || fields.field() != 1;
    (void)fields.take_bytes();
  }
  return fields.ok() && has_own_key;
}

bool is_text(ByteView ddl) {
  return std::ranges::all_of(ddl, [](char c) {
    const auto byte = static_cast<uint8_t>(c);
    return byte >= ' ' || (byte >= '\t' && byte <= '\r');
  });
}

// Of a record that both readers take; kDetect where it may be either's.
RecordFormat format_of_ddl(ByteView ddl) {
  if (is_ddl_data(ddl)) return RecordFormat::kRelay;
  return is_text(ddl) ? RecordFormat::kFile : RecordFormat::kDetect;
}

// kDetect where nothing says anything.
Result<RecordFormat> find_format(const SourceOptions& options, const ZonePair& zones) {
  ASSIGN_OR_RETURN(RecordSource records, RecordSource::open(options));
  std::optional<Error> unclear;
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<RecordSource::Item> item, records.next());
    if (!item && unclear) return *unclear;
    if (!item) return RecordFormat::kDetect;
    const auto payload = std::make_shared<const Bytes>(item->payload);
    const Result<Txn> as_file = file::MessageReader(zones).read(payload);
    const Result<Txn> as_message = kafka::MessageReader(zones).read(payload);
    if (as_file.ok() && as_message.ok()) {
      const ByteView ddl = ddl_of(*payload);
      if (ddl.empty()) continue;
      const RecordFormat format = format_of_ddl(ddl);
      if (format != RecordFormat::kDetect) return format;
      if (!unclear) {
        unclear = make_error(ErrorCode::kCorrupt,
                             "{} offset {}: may be a record of pb files or of relay logs; give "
                             "-format",
                             records.path(), item->offset);
      }
      continue;
    }
    if (as_file.ok()) return RecordFormat::kFile;
    if (as_message.ok()) return RecordFormat::kRelay;
    return Error(as_file.error())
        .because("{} offset {}: neither a record of pb files nor of relay logs", records.path(),
                 item->offset);
  }
}

Result<RecordFormat> detect_format(SourceOptions options, const ZonePair& zones) {
  options.is_sample = true;
  options.has_early_ddl = false;
  // Of pb files, which may be many, the early ones need not be looked through.
  for (const bool may_overlap : {false, true}) {
    options.may_overlap = may_overlap;
    ASSIGN_OR_RETURN(const RecordFormat format, find_format(options, zones));
    if (format != RecordFormat::kDetect) return format;
  }
  return RecordFormat::kFile;
}

}  // namespace

Result<TxnSource> TxnSource::open(SourceOptions options, RecordFormat format, ZonePair zones) {
  if (format == RecordFormat::kDetect) {
    ASSIGN_OR_RETURN(format, detect_format(options, zones));
  }
  // Each transaction is once in our pb files; the original catches up with what it repeats.
  options.may_overlap = format != RecordFormat::kFile;
  options.is_sample = false;
  options.has_early_ddl = options.has_early_ddl && format == RecordFormat::kFile;
  const CommitTs start = options.start;
  ASSIGN_OR_RETURN(RecordSource records, RecordSource::open(std::move(options)));
  if (format == RecordFormat::kRelay) {
    return TxnSource(std::move(records), format, kafka::MessageReader(std::move(zones)), start);
  }
  return TxnSource(std::move(records), format, file::MessageReader(std::move(zones)), start);
}

Result<std::optional<Txn>> TxnSource::next() {
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<RecordSource::Item> item, records_.next());
    if (!item) return std::optional<Txn>();
    auto payload = std::make_shared<const Bytes>(item->payload);
    Result<Txn> txn =
        std::visit([&](auto& reader) { return reader.read(std::move(payload)); }, reader_);
    if (!txn.ok()) {
      return std::move(txn).error().because("{} offset {}", records_.path(), item->offset);
    }
    complete(*txn);
    if (txn->commit_ts >= start_) return std::optional<Txn>(std::move(txn).value());
  }
}

void TxnSource::complete(Txn& txn) {
  if (is_past_ && txn.commit_ts >= start_ && txn.commit_ts > applied_) {
    known_.follow(std::exchange(past_, {}));
    is_past_ = false;
  }
  KnownTables& tables = is_past_ ? past_ : known_;
  if (txn.ddl) {
    tables.apply(*txn.ddl, /*is_named=*/format_ == RecordFormat::kRelay);
  } else {
    tables.apply(txn);
  }
}

}  // namespace drainer::relay
