#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "drainer/base/bytes.h"
#include "drainer/base/clock.h"
#include "drainer/base/mutex.h"
#include "drainer/base/result.h"

namespace drainer::upstream {

/// A key of etcd as it stands.
struct StoredKey {
  Bytes key{};
  Bytes value{};
  int64_t create_revision = 0;
  int64_t mod_revision = 0;
  int64_t version = 0;
  int64_t lease = 0;
};

/// A change of one key; `after.mod_revision` is its revision, also for a deletion.
struct StoredEvent {
  bool is_delete = false;
  StoredKey after;
  std::optional<StoredKey> before{};
};

/// etcd's key space: keys, revisions, leases and the recent events. Any thread.
///
/// Old revisions can be watched as far as kEventsMax reaches back, but not read.
class EtcdStore {
 public:
  static constexpr size_t kEventsMax = 20000;

  explicit EtcdStore(Clock& clock) : clock_(clock) {}

  /// The key space within one transaction; all writes get the same revision.
  class Txn {
   public:
    /// etcd's ranges: no `end` is one key, an `end` of one NUL is everything from `key` on.
    std::vector<StoredKey> range(ByteView key, ByteView end) const;
    struct Write {
      Bytes key{};
      Bytes value{};
      int64_t lease = 0;
    };
    /// Returns what was there before.
    std::optional<StoredKey> put(Write write);
    std::vector<StoredKey> erase(ByteView key, ByteView end);
    bool has_lease(int64_t id) const;
    /// The revision that answers carry: the new one once something was written.
    int64_t revision() const;

   private:
    friend class EtcdStore;
    explicit Txn(EtcdStore& store) : store_(store) {}

    EtcdStore& store_;
    bool wrote_ = false;
  };

  /// Runs `body` while nobody else reads or writes.
  void transact(const std::function<void(Txn&)>& body) EXCLUDES(mutex_);
  int64_t revision() const EXCLUDES(mutex_);

  /// A lease of `ttl_s` seconds; a chosen id when `id` is 0; kConflict when the id is taken.
  Result<int64_t> grant(int64_t ttl_s, int64_t id) EXCLUDES(mutex_);
  /// Drops the lease and its keys; kNotFound for an unknown one.
  Result<void> revoke(int64_t id) EXCLUDES(mutex_);
  /// Starts its time anew and returns its TTL; 0 for an unknown or expired lease.
  int64_t keep_alive(int64_t id) EXCLUDES(mutex_);
  /// Drops leases whose time is over. To be called often.
  void expire_leases() EXCLUDES(mutex_);

  /// Events of `revision` and later; kNotFound when some are forgotten (etcd: compacted).
  Result<std::vector<StoredEvent>> events_since(int64_t revision) const EXCLUDES(mutex_);
  /// The oldest revision that events_since() knows.
  int64_t compacted_revision() const EXCLUDES(mutex_);
  /// Blocks until the revision is above `revision`, or `nudged` (then cleared), or `stop`.
  void wait_past(int64_t revision, std::atomic<bool>& nudged, const StopToken& stop)
      EXCLUDES(mutex_);
  void nudge(std::atomic<bool>& nudged) EXCLUDES(mutex_);

 private:
  struct Lease {
    int64_t ttl_s = 0;
    TimePoint deadline;
  };

  void erase_lease(int64_t id) REQUIRES(mutex_);
  void record(StoredEvent event) REQUIRES(mutex_);

  Clock& clock_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::map<Bytes, StoredKey, std::less<>> keys_ GUARDED_BY(mutex_);
  std::map<int64_t, Lease> leases_ GUARDED_BY(mutex_);
  std::deque<StoredEvent> events_ GUARDED_BY(mutex_);
  int64_t revision_ GUARDED_BY(mutex_) = 1;  // as an empty etcd says
  int64_t forgotten_ GUARDED_BY(mutex_) = 1;
  int64_t next_lease_ GUARDED_BY(mutex_) = 7587800000000000001;
};

}  // namespace drainer::upstream
