#pragma once

#include <string>
#include <utility>
#include <vector>

#include "drainer/base/result.h"
#include "syncer/kafka/producer.h"

namespace drainer::kafka {

/// librdkafka takes no more; the original's default of 1 GiB cannot be reached (README.md).
constexpr int64_t kMessageBytesMax = 1'000'000'000;

/// librdkafka's name and value.
using ProducerSetting = std::pair<const char*, std::string>;

/// What the producer sets itself, before the properties of `options`. kInvalid names a property on
/// whose setting order and completeness depend. Pure.
Result<std::vector<ProducerSetting>> producer_settings(const ProducerOptions& options);

}  // namespace drainer::kafka
