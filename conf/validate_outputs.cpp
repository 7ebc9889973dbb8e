#include "conf/validate_outputs.h"

#include "conf/choices.h"

namespace drainer::conf {

namespace {

// What the original's messages cannot have, and JSON cannot.
void check_protocol(const KafkaOptions& kafka, std::vector<std::string>& problems) {
  const bool is_binlog = kafka.protocol == KafkaProtocol::kBinlog;
  if (!is_binlog && kafka.read_back) {
    problems.push_back("syncer.to.kafka.read-back needs syncer.to.kafka.protocol = \"binlog\"");
  }
  // The original's readers look at partition 0 of one topic, and at no keys.
  const bool is_spread = !kafka.topic_template.empty() || kafka.transaction_markers ||
                         kafka.partition_by != KafkaSpread::kNone ||
                         kafka.key_by != KafkaSpread::kNone;
  if (is_binlog && is_spread) {
    problems.push_back(
        "syncer.to.kafka: topic-template, partition-by, key-by and transaction-markers need "
        "protocol = \"canal-json\" or \"debezium\"");
  }
}

}  // namespace

void take_output_choices(Draft& draft, std::vector<std::string>& problems) {
  DownstreamOptions& to = draft.options.syncer.to;
  KafkaOptions& kafka = to.kafka;
  choose("syncer.to.file.sync", draft.file_sync,
         Choices<FileSync>{{"never", FileSync::kNever},
                           {"checkpoint", FileSync::kCheckpoint},
                           {"transaction", FileSync::kTransaction}},
         to.file_sync, problems);
  choose("syncer.to.kafka.protocol", draft.kafka_protocol,
         Choices<KafkaProtocol>{{"binlog", KafkaProtocol::kBinlog},
                                {"canal-json", KafkaProtocol::kCanalJson},
                                {"debezium", KafkaProtocol::kDebezium}},
         kafka.protocol, problems);
  const Choices<KafkaSpread> spreads = {{"none", KafkaSpread::kNone},
                                        {"table", KafkaSpread::kTable},
                                        {"primary-key", KafkaSpread::kPrimaryKey},
                                        {"transaction", KafkaSpread::kTransaction}};
  choose("syncer.to.kafka.partition-by", draft.kafka_partition_by, spreads, kafka.partition_by,
         problems);
  choose("syncer.to.kafka.key-by", draft.kafka_key_by, spreads, kafka.key_by, problems);
  check_protocol(kafka, problems);
}

}  // namespace drainer::conf
