#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "conf/options.h"
#include "drainer/base/result.h"
#include "syncer/kafka/event_table.h"
#include "syncer/kafka/producer.h"

namespace drainer::kafka {

/// Where an event goes.
struct Destination {
  std::string topic;
  int32_t partition = 0;

  friend auto operator<=>(const Destination&, const Destination&) = default;
};

/// Chooses topic, partition and message key of events, as TiCDC does (5.2). One thread.
class EventRouter {
 public:
  /// Number of partitions of a topic.
  using CountPartitions = std::function<Result<int32_t>(const std::string& topic)>;
  /// `topic` is for what belongs to no table, and for all without a template; `zone`, which must
  /// outlive the router, for the TIMESTAMPs of keys.
  EventRouter(const KafkaOptions& options, std::string topic, const tidb::TimeZone& zone,
              CountPartitions count_partitions);

  /// Of the topics of `tables` those that there are count as in use, as rows of an earlier run may
  /// be in them.
  void add_topics_in_use(std::span<const schema::TableName> tables, const TopicSizes& existing);

  Result<Destination> find(const RowEvent& row);
  /// DDL goes to the topic of its table: partition 0.
  Result<Destination> find_ddl(const schema::TableName& name);
  /// How many partitions of the topic events go to. It is in use from then on.
  Result<int32_t> partitions_of(const std::string& topic);
  /// Calls for every partition of every topic in use: which something has been sent to, or that
  /// add_topics_in_use() has named.
  Result<void> for_each_partition(const std::function<Result<void>(const Destination&)>& call);

  /// The key of a row's message; false: none was asked for.
  Result<bool> append_key(std::string& out, const RowEvent& row) const;

 private:
  std::string topic_of(const schema::TableName& name) const;
  std::optional<int32_t> configured_partitions() const;

  const KafkaOptions options_;
  const std::string topic_;
  const tidb::TimeZone& zone_;
  const CountPartitions count_partitions_;
  TopicSizes partitions_;  ///< of topics in use
};

/// "[prefix]{schema}[middle]{table}[suffix]" with the names in it; characters that topics must not
/// have become '_'.
std::string expand_topic(std::string_view pattern, const schema::TableName& name);

}  // namespace drainer::kafka
