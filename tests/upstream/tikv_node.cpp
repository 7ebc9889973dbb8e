#include "tests/upstream/grpc_headers.h"

#include "tests/upstream/tikv_node.h"

#include "drainer/proto/tikv.pb.h"
#include "tests/upstream/call_gate.h"
#include "tests/upstream/memcomparable.h"

namespace drainer::upstream {

namespace {

constexpr uint64_t kDeadTtlMs = 3000;
constexpr uint64_t kDeadAge = uint64_t{60'000} << 18;
constexpr Duration kAliveTime = std::chrono::seconds(1);

void fill(const Region& region, pdpb::Region* out) {
  out->set_id(region.id);
  if (!region.start.empty()) out->set_start_key(memcomparable(region.start));
  if (!region.end.empty()) out->set_end_key(memcomparable(region.end));
  out->mutable_region_epoch()->set_conf_ver(region.conf_ver);
  out->mutable_region_epoch()->set_version(region.version);
  auto* peer = out->add_peers();
  peer->set_id(region.peer_id);
  peer->set_store_id(RegionMap::kStoreId);
}

uint64_t now_ms(World& world) {
  return static_cast<uint64_t>(physical_ms(world.tso.next()));
}

}  // namespace

bool TikvNode::refuse(const tikvpb::Context& context, std::optional<ByteView> key,
                      tikvpb::RegionError* error) {
  if (const auto kind = world_.faults.take_any(kTikvNode, region_fault_names())) {
    fill_scripted(*kind, context, error);
    return true;
  }
  if (context.peer().store_id() != RegionMap::kStoreId) {
    error->set_message("peer is not in this store");
    error->mutable_store_not_match()->set_request_store_id(context.peer().store_id());
    error->mutable_store_not_match()->set_actual_store_id(RegionMap::kStoreId);
    return true;
  }
  const auto region = world_.regions.find_by_id(context.region_id());
  if (!region) {
    error->set_message(fmt::format("region {} is missing", context.region_id()));
    error->mutable_region_not_found()->set_region_id(context.region_id());
    return true;
  }
  if (context.region_epoch().version() != region->version ||
      context.region_epoch().conf_ver() != region->conf_ver) {
    fill_epoch(*region, error);
    return true;
  }
  if (key && !region->contains(*key)) {
    error->set_message("key not in region");
    auto* outside = error->mutable_key_not_in_region();
    outside->set_key(Bytes(*key));
    outside->set_region_id(region->id);
    outside->set_start_key(memcomparable(region->start));
    outside->set_end_key(memcomparable(region->end));
    return true;
  }
  return false;
}

void TikvNode::fill_epoch(const Region& region, tikvpb::RegionError* error) {
  error->set_message("epoch not match");
  auto* current = error->mutable_epoch_not_match();
  // The region and what was split off it.
  for (const Region& one : world_.regions.scan(region.start, {}, 2)) {
    upstream::fill(one, current->add_current_regions());
  }
}

void TikvNode::fill_scripted(const std::string& kind, const tikvpb::Context& context,
                             tikvpb::RegionError* error) {
  const uint64_t id = context.region_id();
  error->set_message("scripted " + kind);
  const std::map<std::string, std::function<void()>> fillers = {
      {"not-leader", [&] { error->mutable_not_leader()->set_region_id(id); }},
      {"new-leader",
       [&] {
         error->mutable_not_leader()->set_region_id(id);
         *error->mutable_not_leader()->mutable_leader() = context.peer();
       }},
      {"region-not-found", [&] { error->mutable_region_not_found()->set_region_id(id); }},
      {"key-not-in-region", [&] { error->mutable_key_not_in_region()->set_region_id(id); }},
      {"epoch-not-match",
       [&] {
         const auto region = world_.regions.find_by_id(id);
         if (region) fill_epoch(*region, error);
         if (!region) error->mutable_epoch_not_match();
       }},
      {"busy",
       [&] {
         error->mutable_server_is_busy()->set_reason("scripted");
         error->mutable_server_is_busy()->set_backoff_ms(10);
       }},
      {"stale-command", [&] { error->mutable_stale_command(); }},
      {"store-not-match",
       [&] {
         error->mutable_store_not_match()->set_request_store_id(context.peer().store_id());
         error->mutable_store_not_match()->set_actual_store_id(RegionMap::kStoreId + 1);
       }},
      {"timestamp-not-synced", [&] { error->mutable_max_timestamp_not_synced(); }},
      {"read-index-not-ready", [&] { error->mutable_read_index_not_ready(); }},
      {"merging", [&] { error->mutable_proposal_in_merging_mode()->set_region_id(id); }},
      {"data-is-not-ready", [&] { error->mutable_data_is_not_ready()->set_region_id(id); }},
      {"region-not-initialized",
       [&] { error->mutable_region_not_initialized()->set_region_id(id); }},
      {"disk-full", [&] { error->mutable_disk_full()->add_store_id(RegionMap::kStoreId); }},
      {"recovery", [&] { error->mutable_recovery_in_progress()->set_region_id(id); }},
      {"is-witness", [&] { error->mutable_is_witness()->set_region_id(id); }},
      {"mismatch-peer",
       [&] { error->mutable_mismatch_peer_id()->set_request_peer_id(context.peer().id()); }},
      {"bucket-version", [&] { error->mutable_bucket_version_not_match(); }},
      {"unknown-error", [] {}},
  };
  fillers.at(kind)();
}

TikvNode::Lock TikvNode::place_lock(ByteView key, const std::string& kind, uint64_t version) const {
  Lock lock{.primary = Bytes(key)};
  lock.start_ts = version > kDeadAge ? version - kDeadAge : 1;
  lock.ttl_ms = kDeadTtlMs;
  lock.commit_ts = lock.start_ts + 1;
  if (kind == "lock-committed") lock.fate = Fate::kCommitted;
  if (kind == "lock-async") lock.fate = Fate::kAsync;
  if (kind == "lock-alive") {
    lock.fate = Fate::kAlive;
    lock.alive_until = world_.clock.now() + kAliveTime;
    lock.ttl_ms = now_ms(world_) +
                  static_cast<uint64_t>(kAliveTime / std::chrono::milliseconds(1)) -
                  (lock.start_ts >> 18);
  }
  // A primary of another key makes the client ask for it.
  if (lock.fate != Fate::kDead) lock.primary += '\0';
  return lock;
}

bool TikvNode::meets_lock(const tikvpb::Context& context, ByteView key, uint64_t version,
                          tikvpb::KeyError* error) {
  MutexLock lock(mutex_);
  auto found = locks_.find(key);
  if (found == locks_.end()) {
    const auto kind = world_.faults.take_any(kTikvNode, lock_fault_names());
    if (!kind) return false;
    found = locks_.emplace(Bytes(key), place_lock(key, *kind, version)).first;
  }
  const uint64_t start_ts = found->second.start_ts;
  const auto is_listed = [&](const auto& list) {
    return std::find(list.begin(), list.end(), start_ts) != list.end();
  };
  if (start_ts > version || is_listed(context.resolved_locks()) ||
      is_listed(context.committed_locks())) {
    return false;
  }
  fill(key, found->second, error->mutable_locked());
  return true;
}

void TikvNode::fill(ByteView key, const Lock& lock, tikvpb::LockInfo* out) {
  out->set_primary_lock(lock.primary);
  out->set_lock_version(lock.start_ts);
  out->set_key(Bytes(key));
  out->set_lock_ttl(lock.ttl_ms);
  out->set_txn_size(1);
  if (lock.fate == Fate::kAsync) {
    out->set_use_async_commit(true);
    out->set_min_commit_ts(lock.commit_ts);
  }
}

const TikvNode::Lock* TikvNode::find_txn(uint64_t start_ts) const {
  for (const auto& [key, lock] : locks_) {
    if (lock.start_ts == start_ts) return &lock;
  }
  return nullptr;
}

void TikvNode::answer(const tikvpb::GetRequest& request, tikvpb::GetResponse* response) {
  tikvpb::RegionError error;
  if (refuse(request.context(), request.key(), &error)) {
    *response->mutable_region_error() = error;
    return;
  }
  tikvpb::KeyError key_error;
  const uint64_t version = world_.meta_clock.limit(request.version());
  const auto value = world_.mvcc.get(request.key(), version);
  if (meets_lock(request.context(), request.key(), request.version(), &key_error)) {
    *response->mutable_error() = key_error;
  } else if (value) {
    response->set_value(Bytes(*value));
  } else {
    response->set_not_found(true);
  }
}

void TikvNode::answer(const tikvpb::BatchGetRequest& request, tikvpb::BatchGetResponse* response) {
  for (const Bytes& key : request.keys()) {
    tikvpb::GetRequest one;
    *one.mutable_context() = request.context();
    one.set_key(key);
    one.set_version(request.version());
    tikvpb::GetResponse got;
    answer(one, &got);
    if (got.has_region_error()) {
      response->clear_pairs();
      *response->mutable_region_error() = got.region_error();
      return;
    }
    if (got.not_found()) continue;
    auto* pair = response->add_pairs();
    pair->set_key(key);
    if (got.has_error()) *pair->mutable_error() = got.error();
    pair->set_value(got.value());
  }
}

void TikvNode::answer(const tikvpb::ScanRequest& request, tikvpb::ScanResponse* response) {
  tikvpb::RegionError error;
  // A reverse scan starts at its exclusive upper end, which may be the region's own end.
  const auto checked =
      request.reverse() ? std::nullopt : std::optional<ByteView>(request.start_key());
  if (refuse(request.context(), checked, &error)) {
    *response->mutable_region_error() = error;
    return;
  }
  const Region region = *world_.regions.find_by_id(request.context().region_id());
  ByteView low = request.reverse() ? request.end_key() : request.start_key();
  ByteView high = request.reverse() ? request.start_key() : request.end_key();
  low = std::max(low, ByteView(region.start));
  if (high.empty() || (!region.end.empty() && high > region.end)) high = region.end;
  const uint64_t version = world_.meta_clock.limit(request.version());
  for (const auto& [key, value] : world_.mvcc.scan(
           {.start = low, .end = high, .limit = request.limit(), .reverse = request.reverse()},
           version)) {
    auto* pair = response->add_pairs();
    tikvpb::KeyError key_error;
    if (meets_lock(request.context(), key, request.version(), &key_error)) {
      *pair->mutable_error() = key_error;
      continue;
    }
    pair->set_key(Bytes(key));
    if (!request.key_only()) pair->set_value(Bytes(value));
  }
}

void TikvNode::answer(const tikvpb::CheckTxnStatusRequest& request,
                      tikvpb::CheckTxnStatusResponse* response) {
  tikvpb::RegionError error;
  if (refuse(request.context(), request.primary_key(), &error)) {
    *response->mutable_region_error() = error;
    return;
  }
  const uint64_t now = now_ms(world_);
  MutexLock lock(mutex_);
  const Lock* txn = find_txn(request.lock_ts());
  if (txn == nullptr) {
    if (request.rollback_if_not_exist()) {
      response->set_action(tikvpb::LockNotExistRollback);
    } else {
      auto* missing = response->mutable_error()->mutable_txn_not_found();
      missing->set_start_ts(request.lock_ts());
      missing->set_primary_key(request.primary_key());
    }
    return;
  }
  switch (txn->fate) {
    case Fate::kDead: {
      response->set_action(tikvpb::TTLExpireRollback);
      // The check itself rolls back the primary: clients do not resolve that key once more.
      const auto primary = locks_.find(request.primary_key());
      if (primary != locks_.end() && &primary->second == txn) locks_.erase(primary);
      break;
    }
    case Fate::kCommitted:
      response->set_commit_version(txn->commit_ts);
      break;
    case Fate::kAsync: {
      response->set_lock_ttl(txn->ttl_ms);
      fill(txn->primary, *txn, response->mutable_lock_info());
      for (const auto& [key, other] : locks_) {
        if (other.start_ts == txn->start_ts) response->mutable_lock_info()->add_secondaries(key);
      }
      break;
    }
    case Fate::kAlive:
      if (world_.clock.now() < txn->alive_until) {
        response->set_lock_ttl(txn->ttl_ms);
      } else {
        response->set_commit_version(now << 18);
      }
      break;
  }
}

void TikvNode::answer(const tikvpb::CheckSecondaryLocksRequest& request,
                      tikvpb::CheckSecondaryLocksResponse* response) {
  tikvpb::RegionError error;
  for (const Bytes& key : request.keys()) {
    if (!refuse(request.context(), key, &error)) continue;
    *response->mutable_region_error() = error;
    return;
  }
  MutexLock lock(mutex_);
  for (const Bytes& key : request.keys()) {
    const auto found = locks_.find(key);
    if (found == locks_.end() || found->second.start_ts != request.start_version()) continue;
    fill(key, found->second, response->add_locks());
  }
}

void TikvNode::answer(const tikvpb::ResolveLockRequest& request,
                      tikvpb::ResolveLockResponse* response) {
  tikvpb::RegionError error;
  if (refuse(request.context(), std::nullopt, &error)) {
    *response->mutable_region_error() = error;
    return;
  }
  MutexLock lock(mutex_);
  std::erase_if(locks_, [&](const auto& entry) {
    const auto& [key, held] = entry;
    return held.start_ts == request.start_version() &&
           (request.keys().empty() ||
            std::find(request.keys().begin(), request.keys().end(), key) != request.keys().end());
  });
}

void TikvNode::answer(const tikvpb::CleanupRequest& request, tikvpb::CleanupResponse* response) {
  tikvpb::RegionError error;
  if (refuse(request.context(), request.key(), &error)) {
    *response->mutable_region_error() = error;
    return;
  }
  MutexLock lock(mutex_);
  const Lock* txn = find_txn(request.start_version());
  if (txn == nullptr || txn->fate == Fate::kDead) return;
  if (txn->fate == Fate::kAlive && world_.clock.now() < txn->alive_until) {
    fill(txn->primary, *txn, response->mutable_error()->mutable_locked());
    return;
  }
  response->set_commit_version(txn->commit_ts);
}

}  // namespace drainer::upstream
