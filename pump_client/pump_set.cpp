#include "pump_client/pump_set.h"

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"

namespace drainer {

Result<void> PumpSet::run(const StopToken& stop) {
  bool has_read = false;
  while (true) {
    const Result<void> read = refresh(stop);
    if (stop.stop_requested()) return {};
    if (read.ok() && !has_read) {
      has_read = true;
      MutexLock lock(mutex_);
      if (pumps_.empty()) {
        return make_error(
            ErrorCode::kNotFound,
            "no pump is registered under /tidb-binlog/v1/pumps in PD's etcd, so there "
            "is nothing to replicate: start a pump, or check pd-urls");
      }
    }
    if (!read.ok()) log_error("updatePumpStatus failed", {{"error", read.error()}});
    if (!clock_.sleep_for(detect_interval_, stop)) return {};
  }
}

Result<void> PumpSet::refresh(const StopToken& stop) {
  ASSIGN_OR_RETURN(const std::vector<cluster::NodeStatus> nodes, registry_.pumps(stop));
  MutexLock lock(mutex_);
  apply(nodes);
  for (const auto& [id, stream] : pumps_) {
    metric::pump_position(id.value).set(static_cast<double>(physical_ms(stream->position())));
  }
  return {};
}

void PumpSet::apply(const std::vector<cluster::NodeStatus>& nodes) {
  std::vector<std::shared_ptr<PumpStream>> added;
  for (const cluster::NodeStatus& node : nodes) {
    const PumpId id(node.node_id);
    const auto known = pumps_.find(id);
    if (node.state == cluster::NodeState::kOffline) {
      if (known == pumps_.end()) continue;
      log_info("node of cluster has been removed and release the connection to it",
               {{"nodeID", id}, {"clusterID", options_.cluster_id}});
      known->second->stop();
      pumps_.erase(known);
      continue;
    }
    if (known == pumps_.end()) {
      auto stream = std::make_shared<PumpStream>(id, node.host, merger_.last_taken(), options_,
                                                 merger_, clock_);
      added.push_back(stream);
      pumps_.emplace(id, std::move(stream));
      continue;
    }
    known->second->set_host(node.host);
    if (node.state == cluster::NodeState::kOnline) known->second->set_paused(false);
    if (node.state == cluster::NodeState::kPaused) known->second->set_paused(true);
  }
  std::vector<PumpId> sources;
  for (const auto& [id, stream] : pumps_) sources.push_back(id);
  merger_.set_sources(sources);
  for (const auto& stream : added) {
    streams_.start("pump:" + stream->id().value,
                   [stream](const StopToken& stop) { return stream->run(stop); });
  }
}

std::vector<std::pair<PumpId, CommitTs>> PumpSet::positions() const {
  MutexLock lock(mutex_);
  std::vector<std::pair<PumpId, CommitTs>> out;
  for (const auto& [id, stream] : pumps_) out.emplace_back(id, stream->position());
  return out;
}

}  // namespace drainer
