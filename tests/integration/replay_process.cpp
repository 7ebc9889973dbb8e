#include "tests/integration/replay_process.h"

#include <catch2/catch.hpp>

#include <cstdlib>

#include "syncer/file/message.h"
#include "tests/fakes/txns.h"
#include "tests/integration/record_content.h"

namespace drainer::integration {

std::string record_files(Pipeline& pipeline) {
  ::setenv("TZ", "UTC", 1);
  const std::string files = pipeline.directory() + "/pb";
  pipeline.start_upstream();
  pipeline.write_config({.to = "dir = \"" + files + "\""});
  const std::string path = pipeline.directory() + "/drainer.toml";
  std::string config = fakes::read_file(path);
  const std::string type = "db-type = \"mysql\"";
  config.replace(config.find(type), type.size(), "db-type = \"file\"");
  fakes::write_file(path, config);
  pipeline.start_drainer_over_capture();
  REQUIRE(pipeline.wait_for_drainer() == 0);
  pipeline.write_config();
  return files;
}

std::unique_ptr<fakes::Process> start(Pipeline& pipeline, const std::string& command,
                                      std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {kDrainer, command});
  auto process = fakes::Process::start(arguments, pipeline.directory() + "/" + command + ".log");
  REQUIRE(process);
  return process;
}

std::string write_pb_file(const Pipeline& pipeline, const std::vector<Txn>& txns) {
  const tidb::TimeZone zone;
  file::MessageWriter messages(zone);
  std::string path = pipeline.directory() + "/binlog-0000000000000000-20261121000000";
  fakes::write_file(path, integration::record_content(messages, txns));
  return path;
}

Txn insert_at(int64_t ts) {
  return fakes::TxnBuilder(ts)
      .on(fakes::example_table())
      .insert({tidb::Value::of_int(ts), fakes::text("a")})
      .build();
}

}  // namespace drainer::integration
