#include "syncer/relay/txn_source.h"

#include <memory>
#include <utility>

namespace drainer::relay {

namespace {

Result<RecordFormat> detect_format(const SourceOptions& options, const ZonePair& zones) {
  ASSIGN_OR_RETURN(RecordSource records, RecordSource::open(options));
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<RecordSource::Item> item, records.next());
    if (!item) return RecordFormat::kFile;
    const auto payload = std::make_shared<const Bytes>(item->payload);
    const Result<Txn> as_file = file::MessageReader(zones).read(payload);
    const Result<Txn> as_message = kafka::MessageReader(zones).read(payload);
    if (as_file.ok() && as_message.ok()) continue;
    if (as_file.ok()) return RecordFormat::kFile;
    if (as_message.ok()) return RecordFormat::kRelay;
    return Error(as_file.error())
        .because("{} offset {}: neither a record of pb files nor of relay logs", records.path(),
                 item->offset);
  }
}

}  // namespace

Result<TxnSource> TxnSource::open(const SourceOptions& options, RecordFormat format,
                                  ZonePair zones) {
  if (format == RecordFormat::kDetect) {
    ASSIGN_OR_RETURN(format, detect_format(options, zones));
  }
  ASSIGN_OR_RETURN(RecordSource records, RecordSource::open(options));
  if (format == RecordFormat::kRelay) {
    return TxnSource(std::move(records), format, kafka::MessageReader(std::move(zones)));
  }
  return TxnSource(std::move(records), format, file::MessageReader(std::move(zones)));
}

Result<std::optional<Txn>> TxnSource::next() {
  ASSIGN_OR_RETURN(const std::optional<RecordSource::Item> item, records_.next());
  if (!item) return std::optional<Txn>();
  auto payload = std::make_shared<const Bytes>(item->payload);
  Result<Txn> txn =
      std::visit([&](auto& reader) { return reader.read(std::move(payload)); }, reader_);
  if (!txn.ok()) {
    return std::move(txn).error().because("{} offset {}", records_.path(), item->offset);
  }
  if (txn->ddl) {
    known_.apply(*txn->ddl, /*is_named=*/format_ == RecordFormat::kRelay);
  } else {
    known_.apply(*txn);
  }
  return std::optional<Txn>(std::move(txn).value());
}

}  // namespace drainer::relay
