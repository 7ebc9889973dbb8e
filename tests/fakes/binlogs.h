#pragma once

#include <string>
#include <utility>
#include <vector>

#include "drainer/proto/binlog.pb.h"
#include "drainer/tidb/binlog_item.h"

namespace drainer::fakes {

/// Binlog messages for tests, as a pump sends them.
inline Bytes dml_payload(int64_t commit_ts, const std::string& prewrite = {}) {
  binlog::Binlog message;
  message.set_tp(binlog::Commit);
  message.set_start_ts(commit_ts - 1);
  message.set_commit_ts(commit_ts);
  message.set_prewrite_value(prewrite);
  return message.SerializeAsString();
}

inline Bytes fake_payload(int64_t ts) {
  binlog::Binlog message;
  message.set_tp(binlog::Rollback);
  message.set_start_ts(ts);
  message.set_commit_ts(ts);
  return message.SerializeAsString();
}

inline Bytes ddl_payload(int64_t commit_ts, int64_t job_id, const std::string& query,
                         int32_t schema_state = 5) {
  binlog::Binlog message;
  message.set_tp(binlog::Commit);
  message.set_start_ts(commit_ts - 1);
  message.set_commit_ts(commit_ts);
  message.set_ddl_query(query);
  message.set_ddl_job_id(job_id);
  message.set_ddl_schema_state(schema_state);
  return message.SerializeAsString();
}

inline tidb::BinlogItem item(Bytes payload) {
  return tidb::BinlogItem::parse(std::move(payload)).value();
}

/// As the Merger takes items.
inline std::vector<tidb::BinlogItem> one(tidb::BinlogItem item) {
  std::vector<tidb::BinlogItem> items;
  items.push_back(std::move(item));
  return items;
}

/// A PullBinlogResp around `payload`.
inline Bytes pull_response(const Bytes& payload) {
  binlog::PullBinlogResp message;
  message.mutable_entity()->mutable_pos();
  message.mutable_entity()->set_payload(payload);
  return message.SerializeAsString();
}

}  // namespace drainer::fakes
