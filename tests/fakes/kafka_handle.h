#pragma once

#include <string>
#include <utility>
#include <vector>

#include <librdkafka/rdkafka.h>

namespace drainer::fakes {

/// A client of librdkafka with these settings that logs nothing; the caller destroys it. Throws
/// std::runtime_error when librdkafka refuses.
rd_kafka_t* open_kafka_handle(rd_kafka_type_t type,
                              const std::vector<std::pair<std::string, std::string>>& settings);

}  // namespace drainer::fakes
