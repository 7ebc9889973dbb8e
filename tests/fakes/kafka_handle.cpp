#include "tests/fakes/kafka_handle.h"

#include <stdexcept>

namespace drainer::fakes {

namespace {

void ignore_log(const rd_kafka_t*, int, const char*, const char*) {}

}  // namespace

rd_kafka_t* open_kafka_handle(rd_kafka_type_t type,
                              const std::vector<std::pair<std::string, std::string>>& settings) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char text[256];
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text, sizeof text) !=
        RD_KAFKA_CONF_OK) {
      throw std::runtime_error(text);
    }
  }
  rd_kafka_conf_set_log_cb(conf, ignore_log);
  rd_kafka_t* handle = rd_kafka_new(type, conf, text, sizeof text);
  if (handle == nullptr) throw std::runtime_error(text);
  return handle;
}

}  // namespace drainer::fakes
