#include "drainer/cluster/pd_members.h"

#include "drainer/base/log.h"
#include "drainer/base/retry.h"
#include "drainer/proto/pd.pb.h"

#include <algorithm>
#include <functional>

namespace drainer::cluster {

PdMembers::PdMembers(const PdOptions& options, ChannelPool& channels, Clock& clock)
    : options_(options), channels_(channels), clock_(clock) {}

Result<void> PdMembers::discover(const StopToken& stop) {
  const auto repeat = [&](const std::function<Result<void>()>& phase) {
    return try_times(options_.discovery_attempts, options_.discovery_pause, clock_, stop, phase);
  };
  TRY(repeat([&] { return find_cluster_id(stop); }));
  return repeat([&] { return refresh(stop); });
}

Result<void> PdMembers::find_cluster_id(const StopToken& stop) {
  View found;
  Error last(ErrorCode::kInvalid, "no PD url is configured");
  for (const std::string& url : options_.urls) {
    Result<View> view = ask(url, options_.call_timeout, stop);
    if (!view.ok()) {
      if (view.error().code() == ErrorCode::kStopped) return std::move(view).error();
      log_warn("[pd] failed to get cluster id", {{"url", url}, {"error", view.error()}});
      last = std::move(view).error();
      continue;
    }
    if (found.cluster_id != 0 && found.cluster_id != view->cluster_id) {
      return make_error(ErrorCode::kConflict, "{} belongs to cluster {}, others to {}", url,
                        view->cluster_id, found.cluster_id)
          .because("[pd] unmatched cluster id");
    }
    found = *std::move(view);
  }
  if (found.cluster_id == 0) return std::move(last).because("[pd] failed to get cluster id");
  MutexLock lock(mutex_);
  view_.cluster_id = found.cluster_id;
  return {};
}

Result<void> PdMembers::refresh(const StopToken& stop) {
  std::vector<std::string> candidates = urls();
  for (const std::string& url : options_.urls) {
    if (std::find(candidates.begin(), candidates.end(), url) == candidates.end()) {
      candidates.push_back(url);
    }
  }
  Error last(ErrorCode::kUnavailable, "no member is known");
  for (const std::string& url : candidates) {
    Result<View> view = ask(url, options_.leader_timeout, stop);
    if (view.ok() && view->cluster_id != cluster_id()) {
      view = make_error(ErrorCode::kUnavailable, "{} belongs to cluster {}, not to {}", url,
                        view->cluster_id, cluster_id());
    } else if (view.ok() && view->leader.empty()) {
      view = make_error(ErrorCode::kUnavailable, "{} knows no leader", url);
    }
    if (!view.ok()) {
      if (view.error().code() == ErrorCode::kStopped) return std::move(view).error();
      last = std::move(view).error();
      continue;
    }
    MutexLock lock(mutex_);
    if (view_.leader != view->leader) {
      log_info("[pd] leader", {{"url", view->leader}, {"before", view_.leader}});
    }
    view_ = *std::move(view);
    return {};
  }
  return std::move(last).because("[pd] failed to get leader");
}

Result<PdMembers::View> PdMembers::ask(const std::string& url, Duration timeout,
                                       const StopToken& stop) {
  ASSIGN_OR_RETURN(rpc::GrpcChannel * channel, channels_.at(url));
  pdpb::GetMembersResponse response;
  Result<void> answered = call_unary(*channel, "/pdpb.PD/GetMembers", pdpb::GetMembersRequest(),
                                     response, timeout, stop);
  if (!answered.ok()) return about_server(std::move(answered).error(), "PD", url);
  View view;
  view.cluster_id = response.header().cluster_id();
  if (view.cluster_id == 0) {
    return make_error(ErrorCode::kUnavailable, "PD at {} names no cluster: {}", url,
                      response.header().error().message());
  }
  for (const pdpb::Member& member : response.members()) {
    view.urls.insert(view.urls.end(), member.client_urls().begin(), member.client_urls().end());
  }
  std::sort(view.urls.begin(), view.urls.end());
  // Only the first url of the leader counts.
  if (response.leader().client_urls_size() > 0) view.leader = response.leader().client_urls(0);
  return view;
}

uint64_t PdMembers::cluster_id() const {
  MutexLock lock(mutex_);
  return view_.cluster_id;
}

std::vector<std::string> PdMembers::urls() const {
  MutexLock lock(mutex_);
  return view_.urls;
}

std::string PdMembers::leader() const {
  MutexLock lock(mutex_);
  return view_.leader;
}

}  // namespace drainer::cluster
