#include "tests/upstream/grpc_headers.h"

#include "drainer/proto/etcd.grpc.pb.h"

#include "drainer/base/threads.h"
#include "tests/upstream/services.h"

namespace drainer::upstream {

namespace {

using etcdserverpb::WatchCreateRequest;
using etcdserverpb::WatchRequest;
using etcdserverpb::WatchResponse;
using grpc::Status;
using Stream = grpc::ServerReaderWriter<WatchResponse, WatchRequest>;

void fill(const StoredKey& stored, etcdserverpb::KeyValue* out) {
  out->set_key(stored.key);
  out->set_value(stored.value);
  out->set_create_revision(stored.create_revision);
  out->set_mod_revision(stored.mod_revision);
  out->set_version(stored.version);
  out->set_lease(stored.lease);
}

/// One watch stream: its caller reads requests, a thread of its own writes all answers.
class WatchStream {
 public:
  WatchStream(World& world, Stream& stream) : world_(world), stream_(stream) {}

  void run() {
    ThreadGroup threads;
    threads.start("watch", [&](StopToken stop) { return write(stop); });
    for (WatchRequest request; stream_.Read(&request);) {
      {
        MutexLock lock(mutex_);
        requests_.push_back(std::move(request));
      }
      world_.etcd.nudge(nudged_);
    }
    threads.request_stop();
    (void)threads.wait();
  }

 private:
  struct Watch {
    WatchCreateRequest request;
    int64_t next_revision = 0;

    bool covers(const Bytes& key) const {
      if (request.range_end().empty()) return key == request.key();
      return key >= request.key() &&
             (request.range_end() == ByteView("\0", 1) || key < request.range_end());
    }
    bool wants(const StoredEvent& event) const {
      for (const int filter : request.filters()) {
        if ((filter == WatchCreateRequest::NODELETE) == event.is_delete) return false;
      }
      return event.after.mod_revision >= next_revision && covers(event.after.key);
    }
  };

  Result<void> write(const StopToken& stop) {
    int64_t seen = world_.etcd.revision();
    while (!stop.stop_requested()) {
      for (const WatchRequest& request : take_requests()) handle(request);
      seen = world_.etcd.revision();
      for (auto& [id, watch] : watches_) send_events(id, watch);
      std::erase_if(watches_, [](const auto& watch) { return watch.second.next_revision < 0; });
      world_.etcd.wait_past(seen, nudged_, stop);
    }
    return {};
  }

  std::vector<WatchRequest> take_requests() {
    MutexLock lock(mutex_);
    return std::exchange(requests_, {});
  }

  WatchResponse answer(int64_t id) const {
    WatchResponse response;
    response.mutable_header()->set_cluster_id(world_.cluster_id);
    response.mutable_header()->set_revision(world_.etcd.revision());
    response.set_watch_id(id);
    return response;
  }

  void handle(const WatchRequest& request) {
    if (request.has_create_request()) {
      const auto& create = request.create_request();
      const int64_t id = create.watch_id() != 0 ? create.watch_id() : next_id_++;
      WatchResponse response = answer(id);
      response.set_created(true);
      const bool is_new = !watches_.contains(id);
      if (is_new) {
        const int64_t start = create.start_revision();
        watches_[id] = {create, start > 0 ? start : response.header().revision() + 1};
      } else {
        response.set_canceled(true);
        response.set_cancel_reason(
            "etcdserver: mvcc: duplicate watch ID provided on the WatchStream");
      }
      stream_.Write(response);
    } else if (request.has_cancel_request()) {
      const int64_t id = request.cancel_request().watch_id();
      if (watches_.erase(id) == 0) return;
      WatchResponse response = answer(id);
      response.set_canceled(true);
      stream_.Write(response);
    } else if (request.has_progress_request()) {
      stream_.Write(answer(-1));
    }
  }

  void send_events(int64_t id, Watch& watch) {
    const auto events = world_.etcd.events_since(watch.next_revision);
    WatchResponse response = answer(id);
    if (!events.ok()) {
      response.set_canceled(true);
      response.set_compact_revision(world_.etcd.compacted_revision());
      response.set_cancel_reason(events.error().text());
      watch.next_revision = -1;
      stream_.Write(response);
      return;
    }
    for (const StoredEvent& event : *events) {
      if (!watch.wants(event)) continue;
      auto* out = response.add_events();
      out->set_type(event.is_delete ? etcdserverpb::Event::DELETE : etcdserverpb::Event::PUT);
      fill(event.after, out->mutable_kv());
      if (watch.request.prev_kv() && event.before) fill(*event.before, out->mutable_prev_kv());
    }
    if (!events->empty()) watch.next_revision = events->back().after.mod_revision + 1;
    if (response.events_size() > 0) stream_.Write(response);
  }

  World& world_;
  Stream& stream_;
  std::atomic<bool> nudged_{false};
  Mutex mutex_;
  std::vector<WatchRequest> requests_ GUARDED_BY(mutex_);
  // Of the writing thread.
  std::map<int64_t, Watch> watches_;
  int64_t next_id_ = 0;
};

class WatchService final : public etcdserverpb::Watch::Service {
 public:
  explicit WatchService(World& world) : world_(world) {}

  Status Watch(grpc::ServerContext* context, Stream* stream) override {
    (void)context;
    WatchStream(world_, *stream).run();
    return Status::OK;
  }

 private:
  World& world_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_watch_service(World& world) {
  return std::make_unique<WatchService>(world);
}

}  // namespace drainer::upstream
