#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "syncer/txn.h"
#include "tests/fakes/process.h"
#include "tests/integration/pipeline.h"

namespace drainer::integration {

// What tests of `drainer replay` and `drainer print` have in common.

inline const std::string kDrainer = std::string(DRAINER_BIN_DIR) + "/drainer";
inline constexpr std::chrono::seconds kEndLimit{120};

/// The directory with the capture as pb files of ours; the recording drainer ran in UTC.
std::string record_files(Pipeline& pipeline);

/// `drainer <command> <arguments>`, with its output in <command>.log of the pipeline's directory.
std::unique_ptr<fakes::Process> start(Pipeline& pipeline, const std::string& command,
                                      std::vector<std::string> arguments);

/// The path of a pb file that holds these transactions.
std::string write_pb_file(const Pipeline& pipeline, const std::vector<Txn>& txns);

/// A row of test.t1 with the commit ts as its id.
Txn insert_at(int64_t ts);

}  // namespace drainer::integration
