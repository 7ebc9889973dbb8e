#include "tests/upstream/http_routes.h"

#include <charconv>

#include <fmt/format.h>

#include "tests/upstream/etcd_forward.h"

namespace drainer::upstream {

namespace {

constexpr std::string_view kVersion = "6.5.9";
constexpr std::string_view kDrainers = "/tidb-binlog/v1/drainers/";
constexpr std::string_view kDrainersEnd = "/tidb-binlog/v1/drainers0";

HttpResponse text(Bytes body) {
  return {.content_type = "text/plain; charset=utf-8", .body = std::move(body)};
}

HttpResponse not_found() {
  return {
      .status = 404, .content_type = "text/plain; charset=utf-8", .body = "404 page not found\n"};
}

std::string member_json(const World& world) {
  const std::string url = json_string(world.addresses().pd_urls.front());
  return fmt::format(
      R"({{"name":"pd-1","member_id":4611686018427387905,"peer_urls":[{0}],"client_urls":[{0}],)"
      R"("deploy_path":"/","binary_version":"v{1}","git_hash":""}})",
      url, kVersion);
}

std::string store_json(const World& world) {
  return fmt::format(R"({{"store":{{"id":1,"address":{0},"version":"{1}","status_address":{0},)"
                     R"("state_name":"Up"}},"status":{{"leader_count":{2},"region_count":{2}}}}})",
                     json_string(world.addresses().tikv), kVersion,
                     world.regions.scan({}, {}, 0).size());
}

/// PD's own documents, by path; the empty text for unknown ones.
std::string pd_document(const World& world, const std::string& path) {
  const std::string member = member_json(world);
  if (path == "/members") {
    return fmt::format(R"({{"header":{{"cluster_id":{0}}},"members":[{1}],"leader":{1},)"
                       R"("etcd_leader":{1}}})",
                       world.cluster_id, member);
  }
  if (path == "/leader") return member;
  if (path == "/version") return fmt::format(R"({{"version":"v{}"}})", kVersion);
  if (path == "/health") {
    return fmt::format(R"([{{"name":"pd-1","member_id":4611686018427387905,)"
                       R"("client_urls":[{}],"health":true}}])",
                       json_string(world.addresses().pd_urls.front()));
  }
  if (path == "/status") {
    return fmt::format(R"({{"build_ts":"","version":"v{}","git_hash":"","start_timestamp":0}})",
                       kVersion);
  }
  if (path == "/cluster") {
    return fmt::format(R"({{"id":{},"max_peer_count":1}})", world.cluster_id);
  }
  if (path == "/cluster/status") {
    return R"({"raft_bootstrap_time":"","is_initialized":true,"replication_status":""})";
  }
  if (path == "/config") {
    return fmt::format(R"({{"client-urls":{0},"peer-urls":{0},"advertise-client-urls":{0},)"
                       R"("name":"pd-1","cluster-version":"{1}","schedule":{{}},)"
                       R"("replication":{{"max-replicas":1}}}})",
                       json_string(world.addresses().pd_urls.front()), kVersion);
  }
  if (path == "/config/cluster-version") return json_string(kVersion);
  if (path == "/config/replicate") return R"({"max-replicas":1,"location-labels":""})";
  if (path == "/stores") {
    return fmt::format(R"({{"count":1,"stores":[{}]}})", store_json(world));
  }
  if (path == "/store/1") return store_json(world);
  return {};
}

HttpResponse answer_sim(SimView& view, const HttpRequest& request) {
  if (request.path == "/sim/state" && request.method == "GET") return {.body = view.state_json()};
  if (request.path != "/sim/fault") return not_found();
  const bool arms = request.method == "PUT" || request.method == "POST";
  if (!arms && request.method != "DELETE") return {.status = 405};
  const std::string fault =
      arms ? (request.query.empty() ? request.body : request.query) : std::string();
  const auto applied = view.apply_fault(fault);
  if (applied.ok()) return {.body = "{}"};
  return {.status = 400,
          .body = fmt::format(R"({{"error":{}}})", json_string(applied.error().to_string()))};
}

std::string drainers_json(World& world) {
  std::string out = "[";
  if (world.etcd_forward != nullptr) {
    for (const std::string& value : world.etcd_forward->values(kDrainers, kDrainersEnd)) {
      out += (out.size() > 1 ? "," : "") + value;
    }
    return out + ']';
  }
  world.etcd.transact([&](EtcdStore::Txn& txn) {
    for (const StoredKey& key : txn.range(kDrainers, kDrainersEnd)) {
      if (out.size() > 1) out += ',';
      out += key.value;
    }
  });
  return out + ']';
}

std::string pump_metrics(const World& world, size_t pump) {
  const PumpCounters& counters = world.counters[pump];
  const auto physical = physical_ms(CommitTs(counters.max_commit_ts));
  return fmt::format(
      "# TYPE binlog_pump_storage_max_commit_ts gauge\n"
      "binlog_pump_storage_max_commit_ts {}\n"
      "# TYPE binlog_pump_storage_gc_ts gauge\n"
      "binlog_pump_storage_gc_ts 0\n"
      "# TYPE sim_pump_sent_records counter\nsim_pump_sent_records {}\n"
      "# TYPE sim_pump_sent_fakes counter\nsim_pump_sent_fakes {}\n"
      "# TYPE sim_pump_sent_bytes counter\nsim_pump_sent_bytes {}\n",
      physical, counters.records.load(), counters.fakes.load(), counters.bytes.load());
}

HttpResponse answer_debug(const World& world, size_t pump, std::string_view ts_text) {
  int64_t ts = 0;
  std::from_chars(ts_text.data(), ts_text.data() + ts_text.size(), ts);
  const auto position = world.feed.seek(pump, ts - 1);
  if (world.feed.at_end(pump, position)) return not_found();
  const auto item = world.feed.item(pump, position);
  if (item.commit_ts != ts) return not_found();
  return text(fmt::format("start_ts:{} commit_ts:{} ddl_job_id:{} payload_size:{}\n", item.start_ts,
                          item.commit_ts, item.ddl_job_id, item.payload.size()));
}

}  // namespace

HttpResponse answer_pd_http(World& world, SimView& view, const HttpRequest& request) {
  constexpr std::string_view kApi = "/pd/api/v1";
  if (request.path.starts_with("/sim/")) return answer_sim(view, request);
  if (request.path == "/health") return {.body = R"({"health":"true"})"};
  if (request.path == "/pd/ping" || request.path == "/ping") return {};
  if (request.path == "/metrics") return text("");
  if (request.path == "/version") {
    return {.body = R"({"etcdserver":"3.4.21","etcdcluster":"3.4.0"})"};
  }
  if (!request.path.starts_with(kApi)) return not_found();
  std::string body = pd_document(world, request.path.substr(kApi.size()));
  return body.empty() ? not_found() : HttpResponse{.body = std::move(body)};
}

HttpResponse answer_pump_http(World& world, SimView& view, size_t pump,
                              const HttpRequest& request) {
  constexpr std::string_view kDebug = "/debug/binlog/";
  if (request.path == "/status") {
    return {.body = fmt::format(R"({{"status":{{"pump-{}":{}}},"CommitTS":{},"Checkpoint":{{}},)"
                                R"("ErrMsg":""}})",
                                pump + 1, view.pump_status_json(pump), world.tso.next().value)};
  }
  if (request.path == "/drainers") return {.body = drainers_json(world)};
  if (request.path == "/metrics") return text(pump_metrics(world, pump));
  if (request.path.starts_with(kDebug)) {
    return answer_debug(world, pump, std::string_view(request.path).substr(kDebug.size()));
  }
  return not_found();
}

HttpResponse answer_tikv_http(const HttpRequest& request) {
  if (request.path == "/status") return text("");
  if (request.path == "/metrics") return text("");
  return not_found();
}

}  // namespace drainer::upstream
