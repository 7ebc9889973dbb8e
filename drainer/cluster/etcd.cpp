#include "drainer/cluster/etcd.h"

#include "drainer/proto/etcd.pb.h"

#include <algorithm>
#include <atomic>

namespace drainer::cluster {

namespace {

constexpr Duration kRetryPause = std::chrono::milliseconds(25);
constexpr Duration kAttemptTimeoutMin = std::chrono::seconds(1);

/// First key after all those with this prefix; "\0", which means "to the end", when there is none.
std::string range_end_of(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (end.empty()) return std::string(1, '\0');
  end.back() = static_cast<char>(static_cast<uint8_t>(end.back()) + 1);
  return end;
}

EtcdKeyValue to_key_value(etcdserverpb::KeyValue& kv) {
  return {.key = std::move(*kv.mutable_key()), .value = std::move(*kv.mutable_value())};
}

/// Puts `value` if the mod revision of `key` compares to 0 as said.
etcdserverpb::TxnRequest guarded_put(std::string_view key, std::string_view value,
                                     etcdserverpb::Compare::CompareResult guard) {
  etcdserverpb::TxnRequest request;
  etcdserverpb::Compare& compare = *request.add_compare();
  compare.set_result(guard);
  compare.set_target(etcdserverpb::Compare::MOD);
  compare.set_key(std::string(key));
  compare.set_mod_revision(0);
  etcdserverpb::PutRequest& put = *request.add_success()->mutable_request_put();
  put.set_key(std::string(key));
  put.set_value(std::string(value));
  return request;
}

class Client final : public EtcdClient {
 public:
  Client(EtcdOptions options, Clock& clock)
      : options_(std::move(options)),
        clock_(clock),
        channels_(
            {.channels = options_.channels,
             .tls = options_.tls,
             .connect_timeout = std::min<Duration>(options_.timeout, std::chrono::seconds(2))},
            clock) {}

  Result<std::vector<EtcdKeyValue>> range_prefix(std::string_view prefix,
                                                 const StopToken& stop) override {
    return range(prefix, range_end_of(prefix), stop);
  }

  Result<EtcdKeyValue> get(std::string_view key, const StopToken& stop) override {
    ASSIGN_OR_RETURN(std::vector<EtcdKeyValue> found, range(key, "", stop));
    if (found.empty()) return make_error(ErrorCode::kNotFound, "etcd key {} not found", key);
    return std::move(found.front());
  }

  Result<void> create_key(std::string_view key, std::string_view value,
                          const StopToken& stop) override {
    ASSIGN_OR_RETURN(const etcdserverpb::TxnResponse response,
                     execute(guarded_put(key, value, etcdserverpb::Compare::EQUAL), stop));
    if (!response.succeeded())
      return make_error(ErrorCode::kConflict, "etcd key {} already exists", key);
    return {};
  }

  Result<EtcdKeyValue> update_key(std::string_view key, std::string_view value,
                                  const StopToken& stop) override {
    etcdserverpb::TxnRequest request = guarded_put(key, value, etcdserverpb::Compare::GREATER);
    request.mutable_success(0)->mutable_request_put()->set_prev_kv(true);
    ASSIGN_OR_RETURN(etcdserverpb::TxnResponse response, execute(request, stop));
    if (!response.succeeded()) {
      return make_error(ErrorCode::kNotFound, "etcd key {} not found", key);
    }
    if (response.responses_size() != 1) {
      return make_error(ErrorCode::kCorrupt, "etcd answers {} times to one put of key {}",
                        response.responses_size(), key);
    }
    return to_key_value(*response.mutable_responses(0)->mutable_response_put()->mutable_prev_kv());
  }

 private:
  Result<std::vector<EtcdKeyValue>> range(std::string_view key, std::string_view range_end,
                                          const StopToken& stop) {
    etcdserverpb::RangeRequest request;
    request.set_key(std::string(key));
    request.set_range_end(std::string(range_end));
    etcdserverpb::RangeResponse response;
    TRY(call("/etcdserverpb.KV/Range", request, response, stop));
    std::vector<EtcdKeyValue> pairs;
    for (etcdserverpb::KeyValue& kv : *response.mutable_kvs()) pairs.push_back(to_key_value(kv));
    return pairs;
  }

  Result<etcdserverpb::TxnResponse> execute(const etcdserverpb::TxnRequest& request,
                                            const StopToken& stop) {
    etcdserverpb::TxnResponse response;
    TRY(call("/etcdserverpb.KV/Txn", request, response, stop));
    return response;
  }

  /// Tries endpoint after endpoint, beginning with the one that answered last, until the time of an
  /// operation is over.
  Result<void> call(std::string_view method, const google::protobuf::MessageLite& request,
                    google::protobuf::MessageLite& response, const StopToken& stop) {
    const TimePoint deadline = clock_.now() + options_.timeout;
    size_t distrusted = 0;  // endpoints in a row
    while (true) {
      const std::vector<std::string> endpoints = options_.endpoints();
      if (endpoints.empty()) return Error(ErrorCode::kInvalid, "no etcd endpoint is known");
      const size_t turn = turn_.load();
      // One silent endpoint must leave time to ask the others.
      const Duration share = options_.timeout / static_cast<int64_t>(endpoints.size());
      const Duration limit = std::min(std::max(share, kAttemptTimeoutMin), deadline - clock_.now());

      Result<void> done =
          attempt(endpoints[turn % endpoints.size()], method, request, response, limit, stop);
      if (done.ok()) return {};
      const ErrorCode code = done.error().code();
      // A wrong certificate, on either side: another endpoint may have the right one.
      const bool is_distrust =
          code == ErrorCode::kDenied && has_status(done.error(), rpc::GrpcStatus::kOk);
      distrusted = is_distrust ? distrusted + 1 : 0;
      if (distrusted == endpoints.size()) return done;
      if (!is_distrust && code != ErrorCode::kUnavailable && code != ErrorCode::kTimeout) {
        return done;
      }
      turn_.store(turn + 1);
      if (clock_.now() + kRetryPause >= deadline) return done;
      if (!clock_.sleep_for(kRetryPause, stop)) return stopped();
    }
  }

  Result<void> attempt(const std::string& endpoint, std::string_view method,
                       const google::protobuf::MessageLite& request,
                       google::protobuf::MessageLite& response, Duration limit,
                       const StopToken& stop) {
    ASSIGN_OR_RETURN(rpc::GrpcChannel * channel, channels_.at(endpoint));
    Result<void> done = call_unary(*channel, method, request, response, limit, stop);
    if (!done.ok()) return about_server(std::move(done).error(), "etcd", endpoint);
    return {};
  }

  const EtcdOptions options_;
  Clock& clock_;
  ChannelPool channels_;
  std::atomic<size_t> turn_{0};  ///< which endpoint is asked; a race costs one attempt
};

}  // namespace

std::unique_ptr<EtcdClient> EtcdClient::create(EtcdOptions options, Clock& clock) {
  return std::make_unique<Client>(std::move(options), clock);
}

}  // namespace drainer::cluster
