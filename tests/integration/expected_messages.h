#pragma once

#include <optional>
#include <string>
#include <vector>

#include "drainer/base/bytes.h"

namespace drainer::integration {

/// What the Go drainer has left of a capture, message by message (captures/README.md).
struct ExpectedMessages {
  Bytes bytes;
  std::vector<ByteView> messages;  ///< views of `bytes`, in order
};

/// expected.kafka.msgs.gz; nothing where there is no such file.
std::optional<ExpectedMessages> load_kafka_messages(const std::string& directory);

/// The payloads in expected.file.tar.gz; nothing where there is no such file. Damage is printed.
std::optional<ExpectedMessages> load_file_payloads(const std::string& directory);

/// Appends the payloads of a pb file; false, and a line on standard output, when it is damaged.
bool append_payloads(const std::string& name, ByteView content, std::vector<ByteView>& out);

}  // namespace drainer::integration
