#include "pump_client/pump_set.h"

#include <algorithm>
#include <string>

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"

namespace drainer {

namespace {

/// Told of after so long, then at intervals that double up to the other.
constexpr Duration kSilenceMax = std::chrono::seconds(30);
constexpr Duration kSilencePauseMax = std::chrono::minutes(30);
/// What an offline pump may have more than was received: its last fake binlogs.
constexpr int64_t kMissingMsMin = int64_t{10} * 1000;

}  // namespace

Result<void> PumpSet::run(const StopToken& stop) {
  while (true) {
    const Result<void> read = refresh(stop);
    if (stop.stop_requested()) return {};
    if (!read.ok()) log_error("updatePumpStatus failed", {{"error", read.error()}});
    tell_of_silence();
    if (!clock_.sleep_for(detect_interval_, stop)) return {};
  }
}

// An idle pump sends fake binlogs every few seconds, so that the merger always moves.
void PumpSet::tell_of_silence() {
  const std::optional<PumpId> silent = merger_.waiting_for();
  const TimePoint now = clock_.now();
  if (!silent || merger_.last_taken() != silent_at_) {
    silent_at_ = merger_.last_taken();
    silent_since_ = now;
    silence_told_ = {};
    return;
  }
  const Duration silence = now - silent_since_;
  if (silence < silence_told_ + std::clamp(silence_told_, kSilenceMax, kSilencePauseMax)) return;
  silence_told_ = silence;
  std::optional<cluster::NodeState> state;
  {
    MutexLock lock(mutex_);
    if (const auto found = states_.find(*silent); found != states_.end()) state = found->second;
  }
  const std::string remedy =
      state ? fmt::format("binlogctl -cmd update-pump -node-id {} -state offline", *silent)
            : "start this drainer again";
  log_warn("a pump has sent nothing for a while, all others wait for it",
           {{"id", *silent},
            {"state", state ? to_string(*state) : "not registered any more"},
            {"last ts", silent_at_},
            {"seconds", std::chrono::duration_cast<std::chrono::seconds>(silence).count()},
            {"if it never comes back", remedy}});
}

// A pump that leaves in order waits until all drainers have got what it has.
void PumpSet::tell_of_missing(const cluster::NodeStatus& node) {
  const PumpId id(node.node_id);
  const CommitTs had(node.max_commit_ts);
  const CommitTs received = merger_.start_of(id);
  if (received.value <= 0 || physical_ms(had) - physical_ms(received) <= kMissingMsMin) return;
  CommitTs& told = told_missing_[id];
  if (told == had) return;
  told = had;
  metric::pump_gaps_total().add();
  log_error(
      "binlogs are missing: a pump went offline with more than this drainer has received of it",
      {{"id", id}, {"went at ts", had}, {"received up to ts", received}});
}

Result<void> PumpSet::refresh(const StopToken& stop) {
  const uint64_t look = ++looks_begun_;
  ASSIGN_OR_RETURN(const std::vector<cluster::NodeStatus> nodes, registry_.pumps(stop));
  MutexLock lock(mutex_);
  // One that began later has been faster: it has seen all that this one was to see, and maybe more,
  // such as a pump that has come back since.
  if (look < last_applied_look_) return {};
  const bool is_first = last_applied_look_ == 0;
  last_applied_look_ = look;
  apply(nodes);
  if (is_first && nodes.empty()) {
    log_warn(
        "no pump is registered under /tidb-binlog/v1/pumps in PD's etcd, waiting for one to come; "
        "if there should be some, check pd-urls");
  } else if (is_first && pumps_.empty()) {
    log_warn("all pumps are offline, waiting for one to come");
  }
  forget_left();
  for (const auto& [id, stream] : pumps_) {
    metric::pump_position(id.value).set(static_cast<double>(physical_ms(stream->position())));
  }
  return {};
}

void PumpSet::apply(const std::vector<cluster::NodeStatus>& nodes) {
  std::vector<std::shared_ptr<PumpStream>> added;
  states_.clear();
  for (const cluster::NodeStatus& node : nodes) {
    const PumpId id(node.node_id);
    const auto known = pumps_.find(id);
    states_.emplace(id, node.state);
    if (node.state == cluster::NodeState::kOffline) {
      tell_of_missing(node);
      if (known == pumps_.end()) continue;
      log_info("node of cluster has been removed and release the connection to it",
               {{"nodeID", id}, {"clusterID", options_.cluster_id}});
      known->second->stop();
      leaving_.push_back(std::move(known->second));
      pumps_.erase(known);
      continue;
    }
    if (known == pumps_.end()) {
      auto stream = std::make_shared<PumpStream>(id, node.host, merger_.start_of(id), options_,
                                                 merger_, clock_);
      added.push_back(stream);
      pumps_.emplace(id, std::move(stream));
      continue;
    }
    known->second->set_host(node.host);
    // FIX: the original goes on only when it sees `online`. A pump that is closing by the next look
    // waits for us, who would not dial it.
    known->second->set_paused(node.state == cluster::NodeState::kPaused);
  }
  std::vector<PumpId> sources;
  for (const auto& [id, stream] : pumps_) sources.push_back(id);
  merger_.set_sources(sources);
  for (const auto& stream : added) {
    streams_.start("pump:" + stream->id().value,
                   [stream](const StopToken& stop) { return stream->run(stop); });
  }
}

// The series of a pump go when its thread, which feeds them, has ended; unless it has come back.
void PumpSet::forget_left() {
  std::erase_if(leaving_, [this](const std::shared_ptr<PumpStream>& stream) {
    if (!stream->has_ended()) return false;
    if (!pumps_.contains(stream->id())) metric::forget_pump(stream->id().value);
    return true;
  });
}

std::optional<std::map<PumpId, CommitTs>> PumpSet::positions() const {
  MutexLock lock(mutex_);
  if (last_applied_look_ == 0) return std::nullopt;
  std::map<PumpId, CommitTs> out;
  for (const auto& [id, stream] : pumps_) out.emplace(id, stream->position());
  return out;
}

}  // namespace drainer
