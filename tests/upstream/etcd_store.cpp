#include "tests/upstream/etcd_store.h"

#include <algorithm>
#include <utility>

namespace drainer::upstream {

std::vector<StoredKey> EtcdStore::Txn::range(ByteView key,
                                             ByteView end) const NO_THREAD_SAFETY_ANALYSIS {
  std::vector<StoredKey> out;
  if (end.empty()) {
    if (const auto found = store_.keys_.find(key); found != store_.keys_.end()) {
      out.push_back(found->second);
    }
    return out;
  }
  const bool unbounded = end == ByteView("\0", 1);
  for (auto at = store_.keys_.lower_bound(key); at != store_.keys_.end(); ++at) {
    if (!unbounded && at->first >= end) break;
    out.push_back(at->second);
  }
  return out;
}

std::optional<StoredKey> EtcdStore::Txn::put(Write write) NO_THREAD_SAFETY_ANALYSIS {
  wrote_ = true;
  std::optional<StoredKey> before;
  const auto found = store_.keys_.find(write.key);
  if (found != store_.keys_.end()) before = found->second;
  StoredKey after{.key = std::move(write.key),
                  .value = std::move(write.value),
                  .create_revision = before ? before->create_revision : revision(),
                  .mod_revision = revision(),
                  .version = before ? before->version + 1 : 1,
                  .lease = write.lease};
  store_.keys_.insert_or_assign(after.key, after);
  store_.record({.is_delete = false, .after = std::move(after), .before = before});
  return before;
}

std::vector<StoredKey> EtcdStore::Txn::erase(ByteView key, ByteView end) NO_THREAD_SAFETY_ANALYSIS {
  std::vector<StoredKey> gone = range(key, end);
  if (!gone.empty()) wrote_ = true;
  for (const StoredKey& before : gone) {
    store_.keys_.erase(before.key);
    store_.record({.is_delete = true,
                   .after = {.key = before.key, .mod_revision = revision()},
                   .before = before});
  }
  return gone;
}

bool EtcdStore::Txn::has_lease(int64_t id) const NO_THREAD_SAFETY_ANALYSIS {
  return store_.leases_.contains(id);
}

int64_t EtcdStore::Txn::revision() const NO_THREAD_SAFETY_ANALYSIS {
  return store_.revision_ + (wrote_ ? 1 : 0);
}

void EtcdStore::transact(const std::function<void(Txn&)>& body) {
  expire_leases();
  MutexLock lock(mutex_);
  Txn txn(*this);
  body(txn);
  revision_ = txn.revision();
  if (txn.wrote_) changed_.notify_all();
}

int64_t EtcdStore::revision() const {
  MutexLock lock(mutex_);
  return revision_;
}

Result<int64_t> EtcdStore::grant(int64_t ttl_s, int64_t id) {
  MutexLock lock(mutex_);
  if (id == 0) id = next_lease_++;
  const auto [at, is_new] =
      leases_.emplace(id, Lease{ttl_s, clock_.now() + std::chrono::seconds(ttl_s)});
  if (!is_new) return make_error(ErrorCode::kConflict, "etcdserver: lease already exists");
  return id;
}

Result<void> EtcdStore::revoke(int64_t id) {
  MutexLock lock(mutex_);
  if (!leases_.contains(id)) {
    return make_error(ErrorCode::kNotFound, "etcdserver: requested lease not found");
  }
  erase_lease(id);
  return {};
}

int64_t EtcdStore::keep_alive(int64_t id) {
  expire_leases();
  MutexLock lock(mutex_);
  const auto found = leases_.find(id);
  if (found == leases_.end()) return 0;
  found->second.deadline = clock_.now() + std::chrono::seconds(found->second.ttl_s);
  return found->second.ttl_s;
}

void EtcdStore::expire_leases() {
  MutexLock lock(mutex_);
  const TimePoint now = clock_.now();
  std::vector<int64_t> over;
  for (const auto& [id, lease] : leases_) {
    if (lease.deadline <= now) over.push_back(id);
  }
  for (const int64_t id : over) erase_lease(id);
}

void EtcdStore::erase_lease(int64_t id) {
  leases_.erase(id);
  std::vector<Bytes> keys;
  for (const auto& [key, stored] : keys_) {
    if (stored.lease == id) keys.push_back(key);
  }
  Txn txn(*this);
  for (const Bytes& key : keys) txn.erase(key, {});
  revision_ = txn.revision();
  changed_.notify_all();
}

void EtcdStore::record(StoredEvent event) {
  events_.push_back(std::move(event));
  while (events_.size() > kEventsMax) {
    // Whole revisions only, so that what is left can be told completely.
    forgotten_ = events_.front().after.mod_revision;
    while (!events_.empty() && events_.front().after.mod_revision == forgotten_) {
      events_.pop_front();
    }
  }
}

Result<std::vector<StoredEvent>> EtcdStore::events_since(int64_t revision) const {
  MutexLock lock(mutex_);
  if (revision <= forgotten_ && forgotten_ > 1) {
    return make_error(ErrorCode::kNotFound,
                      "etcdserver: mvcc: required revision has been compacted");
  }
  std::vector<StoredEvent> out;
  const auto first = std::partition_point(
      events_.begin(), events_.end(),
      [&](const StoredEvent& event) { return event.after.mod_revision < revision; });
  out.assign(first, events_.end());
  return out;
}

int64_t EtcdStore::compacted_revision() const {
  MutexLock lock(mutex_);
  return forgotten_ + 1;
}

void EtcdStore::wait_past(int64_t revision, std::atomic<bool>& nudged, const StopToken& stop) {
  MutexLock lock(mutex_);
  changed_.wait(mutex_, stop,
                [&]() NO_THREAD_SAFETY_ANALYSIS { return revision_ > revision || nudged.load(); });
  nudged = false;
}

void EtcdStore::nudge(std::atomic<bool>& nudged) {
  MutexLock lock(mutex_);
  nudged = true;
  changed_.notify_all();
}

}  // namespace drainer::upstream
