#include "drainer/cluster/tikv.h"

#include "drainer/cluster/lock_resolver.h"
#include "drainer/cluster/region_caller.h"
#include "drainer/proto/tikv.pb.h"

#include <utility>

namespace drainer::cluster {

namespace {

/// The smaller of two upper bounds, of which an empty one means "none".
std::string smaller_end(std::string_view a, std::string_view b) {
  if (a.empty()) return std::string(b);
  if (b.empty()) return std::string(a);
  return std::string(std::min(a, b));
}

bool is_before_end(std::string_view key, std::string_view end) {
  return end.empty() || key < end;
}

constexpr size_t kPageBytes = 1 << 20;
constexpr uint32_t kPagePairsMin = 16;

class Client final : public KvClient {
 public:
  Client(PdClient& pd, std::shared_ptr<const rpc::TlsContext> tls, Clock& clock, KvOptions options)
      : options_(std::move(options)),
        clock_(clock),
        caller_(pd, {.channels = options_.channels, .tls = std::move(tls)}, clock),
        resolver_(pd, caller_) {}

  Result<std::optional<Bytes>> get(std::string_view key, CommitTs version,
                                   const StopToken& stop) override {
    tikvpb::GetRequest request;
    request.set_key(std::string(key));
    request.set_version(static_cast<uint64_t>(version.value));
    RetryBudget budget(clock_, options_.retry_time);
    while (true) {
      ASSIGN_OR_RETURN(const RegionInfo region, caller_.locate(key, stop));
      tikvpb::GetResponse response;
      ASSIGN_OR_RETURN(const bool is_answered,
                       caller_.try_call("/tikvpb.Tikv/KvGet", region, request, response,
                                        options_.get_timeout, budget, stop));
      if (!is_answered) continue;
      if (response.has_error()) {
        TRY(after_key_error(response.error(), version, *request.mutable_context(), budget, stop));
        continue;
      }
      // KEEP: an empty value counts as absent, as in the original.
      if (response.not_found() || response.value().empty()) return std::optional<Bytes>();
      return std::optional<Bytes>(std::move(*response.mutable_value()));
    }
  }

  Result<void> scan(std::string_view start, std::string_view end, CommitTs version,
                    const OnPair& on_pair, const StopToken& stop) override {
    return scan({.end = end, .version = version, .pairs_max = options_.page_pairs}, start, on_pair,
                stop);
  }

  Result<void> scan_keys(std::string_view start, std::string_view end, CommitTs version,
                         const OnPair& on_pair, const StopToken& stop) override {
    return scan(
        {.end = end, .version = version, .pairs_max = options_.page_keys, .is_key_only = true},
        start, on_pair, stop);
  }

 private:
  struct Page {
    tikvpb::ScanResponse pairs;
    std::string region_end;
  };
  struct ScanLimits {
    std::string_view end;
    CommitTs version;
    uint32_t pairs_max;
    bool is_key_only = false;
  };

  Result<void> scan(ScanLimits limits, std::string_view start, const OnPair& on_pair,
                    const StopToken& stop) {
    const std::string_view end = limits.end;
    const uint32_t pairs_max = limits.pairs_max;
    std::string cursor(start);
    while (is_before_end(cursor, end)) {
      Page page;
      TRY(read_page(cursor, limits, page, stop));
      for (tikvpb::KvPair& pair : *page.pairs.mutable_pairs()) {
        std::string& key = pair.key().empty()
                               ? *pair.mutable_error()->mutable_locked()->mutable_key()
                               : *pair.mutable_key();
        // TiKV before v3.0 does not know end_key.
        if (!is_before_end(key, end)) return {};
        if (pair.has_error()) {
          ASSIGN_OR_RETURN(const std::optional<Bytes> value, get(key, limits.version, stop));
          if (value) TRY(on_pair(key, *value));
        } else {
          TRY(on_pair(key, pair.value()));
        }
      }
      const int pairs = page.pairs.pairs_size();
      const uint32_t asked = std::exchange(limits.pairs_max, next_page_pairs(page, pairs_max));
      if (static_cast<uint32_t>(pairs) < asked) {
        if (page.region_end.empty()) return {};
        cursor = std::move(page.region_end);
      } else {
        const tikvpb::KvPair& last = page.pairs.pairs(pairs - 1);
        cursor = last.key().empty() ? last.error().locked().key() : last.key();
        cursor.push_back('\0');
      }
    }
    return {};
  }

  /// Large values come in smaller pages: a page is in memory twice while it is read.
  static uint32_t next_page_pairs(const Page& page, uint32_t pairs_max) {
    const auto pairs = static_cast<size_t>(page.pairs.pairs_size());
    if (pairs == 0) return pairs_max;
    const size_t pair_bytes = std::max<size_t>(page.pairs.ByteSizeLong() / pairs, 1);
    return static_cast<uint32_t>(
        std::clamp<size_t>(kPageBytes / pair_bytes, std::min(kPagePairsMin, pairs_max), pairs_max));
  }

  /// Up to `pairs_max` pairs from `cursor` on, within one region.
  Result<void> read_page(const std::string& cursor, const ScanLimits& limits, Page& page,
                         const StopToken& stop) {
    tikvpb::ScanRequest request;
    request.set_start_key(cursor);
    request.set_limit(limits.pairs_max);
    request.set_key_only(limits.is_key_only);
    request.set_version(static_cast<uint64_t>(limits.version.value));
    RetryBudget budget(clock_, options_.retry_time);
    while (true) {
      ASSIGN_OR_RETURN(RegionInfo region, caller_.locate(cursor, stop));
      request.set_end_key(smaller_end(limits.end, region.end_key));
      ASSIGN_OR_RETURN(const bool is_answered,
                       caller_.try_call("/tikvpb.Tikv/KvScan", region, request, page.pairs,
                                        options_.scan_timeout, budget, stop));
      if (!is_answered) continue;
      if (page.pairs.has_error()) {
        TRY(after_key_error(page.pairs.error(), limits.version, *request.mutable_context(), budget,
                            stop));
        continue;
      }
      page.region_end = std::move(region.end_key);
      return {};
    }
  }

  /// Returns when the read is to be repeated, with what `context` now says about the lock.
  Result<void> after_key_error(const tikvpb::KeyError& error, CommitTs version,
                               tikvpb::Context& context, RetryBudget& budget,
                               const StopToken& stop) {
    if (!error.has_locked()) {
      return make_error(ErrorCode::kInternal, "TiKV refuses to read: {}", error.ShortDebugString());
    }
    ASSIGN_OR_RETURN(const LockResolver::Advice advice,
                     resolver_.resolve(error.locked(), version, budget, stop));
    if (advice == LockResolver::Advice::kIgnore) {
      context.add_resolved_locks(error.locked().lock_version());
      return {};
    }
    return budget.retry_now(make_error(ErrorCode::kUnavailable, "key is locked by transaction {}",
                                       error.locked().lock_version()),
                            stop);
  }

  const KvOptions options_;
  Clock& clock_;
  RegionCaller caller_;
  LockResolver resolver_;
};

}  // namespace

std::unique_ptr<KvClient> KvClient::create(PdClient& pd, std::shared_ptr<const rpc::TlsContext> tls,
                                           Clock& clock, KvOptions options) {
  return std::make_unique<Client>(pd, std::move(tls), clock, std::move(options));
}

}  // namespace drainer::cluster
