#include "drainer/pipeline.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "drainer/memory.h"
#include "drainer/task.h"

namespace drainer {

namespace {

// Of binlogs that wait at one place. Their bytes are limited too, see memory.h.
constexpr size_t kWaitingMax = 4096;
// What -cache-binlog-count is when nobody gives it: too few to keep our threads busy.
constexpr int64_t kCacheBinlogCount = 8;

MemoryShares memory_of(const Options& options) {
  return share_memory(options.syncer.apply.memory_limit_mib);
}

// FIX: a limit of items alone says nothing about memory; one that was given holds besides.
size_t binlogs_waiting_max(const Options& options) {
  if (options.cache_binlog_count == kCacheBinlogCount) return kWaitingMax;
  return static_cast<size_t>(std::max<int64_t>(options.cache_binlog_count, 1));
}

}  // namespace

Pipeline::Pipeline(const Options& options, const Neighbours& neighbours, CommitTs start,
                   Clock& clock, const std::function<void()>& on_failure)
    : merger_(start, {.items = kWaitingMax, .bytes = memory_of(options).pumps_bytes},
              memory_of(options).pumps_bytes),
      pump_options_{.cluster_id = neighbours.upstream.pd->cluster_id(),
                    .gzip = options.compressor == "gzip",
                    .tls = neighbours.tls,
                    .make_channel =
                        [&clock](rpc::GrpcTarget target) {
                          return rpc::GrpcChannel::create(std::move(target), clock);
                        }},
      pumps_(*neighbours.upstream.registry, merger_, pump_options_,
             std::chrono::seconds(options.detect_interval_s), upstream_threads_, clock),
      binlogs_({.items = binlogs_waiting_max(options), .bytes = memory_of(options).binlogs_bytes}),
      collector_(
          merger_,
          [&meta = *neighbours.upstream.meta](DdlJobId id, const StopToken& stop) {
            return meta.wait_for_job(id, stop);
          },
          binlogs_),
      newer_jobs_(*neighbours.upstream.meta, clock),
      syncer_(binlogs_, neighbours.schema, neighbours.rules, neighbours.sink,
              neighbours.sink.resume_from(start), clock),
      upstream_threads_(on_failure),
      syncer_threads_(on_failure) {
  syncer_.set_find_newer_jobs(
      [this](const NewerColumn& column, const auto& known, const StopToken& stop) {
        return newer_jobs_.find(column, known, stop);
      });
}

void Pipeline::start(Syncer::OnHandled on_handled) {
  syncer_.set_on_handled(std::move(on_handled));
  start_task(syncer_threads_, "syncer", [this](const StopToken& s) { return syncer_.run(s); });
  start_task(upstream_threads_, "collect",
             [this](const StopToken& s) { return collector_.run(s); });
  upstream_threads_.start("pumps", [this](const StopToken& stop) { return pumps_.run(stop); });
}

Result<void> Pipeline::stop() {
  upstream_threads_.request_stop();
  Result<void> pulled = upstream_threads_.wait();
  syncer_threads_.request_stop();
  Result<void> submitted = syncer_threads_.wait();
  return pulled.ok() ? submitted : pulled;
}

}  // namespace drainer
