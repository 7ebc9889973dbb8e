#include "tests/upstream/grpc_headers.h"

#include "tests/upstream/simulator.h"

#include "drainer/base/log.h"
#include "tests/upstream/etcd_forward.h"
#include "tests/upstream/http_routes.h"
#include "tests/upstream/live_feed.h"
#include "tests/upstream/port.h"
#include "tests/upstream/pump_feed.h"
#include "tests/upstream/write_back.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

namespace drainer::upstream {

namespace {

constexpr Duration kHeartbeat = std::chrono::seconds(2);
constexpr Duration kTick = std::chrono::milliseconds(100);
constexpr Duration kOrderlyEnd = std::chrono::seconds(5);

/// A process of the cluster: its port and the stock gRPC server behind it.
struct Node {
  std::string name;
  Services services;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<Port> port;
  std::string tls_address{};  // of the server's own port; empty without TLS
  std::string address() const { return tls_address.empty() ? port->address() : tls_address; }
  // Of the control thread.
  bool is_down = false;
  TimePoint away_until{};
  std::string state = "online";
};

Result<std::shared_ptr<grpc::ServerCredentials>> tls_credentials(const SimTls& tls) {
  std::vector<std::string> texts;
  for (const std::string& path : {tls.ca, tls.key, tls.cert}) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    if (text.str().empty()) return make_error(ErrorCode::kInvalid, "cannot read {}", path);
    texts.push_back(text.str());
  }
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = texts[0];
  options.pem_key_cert_pairs.push_back({texts[1], texts[2]});
  return grpc::SslServerCredentials(options);
}

Result<void> start_server(Node& node, Services services, const SimOptions& sim) {
  node.services = std::move(services);
  grpc::ServerBuilder builder;
  for (const auto& service : node.services) builder.RegisterService(service.get());
  builder.SetMaxReceiveMessageSize(-1);
  builder.SetMaxSendMessageSize(-1);
  // Clients such as grpc-go ping as they like; a simulator does not send them away for it.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  int tls_port = 0;
  if (sim.tls.is_on()) {
    ASSIGN_OR_RETURN(auto credentials, tls_credentials(sim.tls));
    builder.AddListeningPort(sim.host + ":0", std::move(credentials), &tls_port);
  }
  node.server = builder.BuildAndStart();
  if (tls_port > 0) node.tls_address = fmt::format("{}:{}", sim.host, tls_port);
  if (node.server && (tls_port > 0 || !sim.tls.is_on())) return {};
  return make_error(ErrorCode::kInternal, "gRPC did not start for {}", node.name);
}

std::string pd_name(size_t member) {
  return member == 0 ? "pd" : fmt::format("pd-{}", member + 1);
}

std::vector<std::string> node_names(size_t pumps, size_t pds) {
  std::vector<std::string> names{"pd", "tikv"};
  for (size_t pump = 0; pump < pumps; ++pump) names.push_back(fmt::format("pump-{}", pump + 1));
  for (size_t member = 1; member < pds; ++member) names.push_back(pd_name(member));
  return names;
}

std::vector<Bytes> boundaries(const MvccStore& store, size_t regions) {
  std::vector<Bytes> out;
  for (size_t part = 1; part < regions && store.size() > 0; ++part) {
    out.emplace_back(store.key_at(part, regions));
  }
  return out;
}

Result<Capture> load_world(const SimOptions& options, Clock& clock) {
  if (!options.write_back) return load_capture(options.capture);
  Capture nothing;
  nothing.cluster_id = options.cluster_id;
  nothing.from_ts = make_commit_ts(clock.unix_ms());
  return nothing;
}

constexpr size_t kLivePumps = 2;

class SimulatorImpl final : public Simulator, public NodeControl, public SimView {
 public:
  SimulatorImpl(const SimOptions& options, Capture capture, Clock& clock)
      : clock_(clock),
        registers_pumps_(options.registers_pumps),
        capture_(std::move(capture)),
        job_versions_(load_meta_versions(capture_, mvcc_)),
        shift_(capture_, options.feed.repeat),
        feed_(make_feed(options)),
        tso_(feed_->end_ts(), clock),
        etcd_(clock),
        regions_(boundaries(mvcc_, options.regions)),
        faults_(node_names(feed_->pumps(), options.pds), clock),
        meta_clock_(options.history_as_served, capture_.from_ts, job_versions_),
        counters_(feed_->pumps()),
        world_{.clock = clock,
               .cluster_id = capture_.cluster_id,
               .tso = tso_,
               .etcd = etcd_,
               .mvcc = mvcc_,
               .regions = regions_,
               .faults = faults_,
               .feed = *feed_,
               .fake_interval = options.fake_interval,
               .meta_clock = meta_clock_,
               .counters = counters_} {
    faults_.set_control(this);
    // From here on the metadata lives in mvcc_ only.
    capture_.meta_from = capture_.meta = {};
    for (PumpCounters& counters : counters_) counters.max_commit_ts = capture_.from_ts.value;
  }

  ~SimulatorImpl() override {
    threads_.request_stop();
    (void)threads_.wait();
    for (const auto& node : nodes_) {
      if (node->server) node->server->Shutdown(std::chrono::system_clock::now());
    }
  }

  Result<void> start(const SimOptions& options) {
    if (!options.etcd.empty()) {
      etcd_forward_ = std::make_unique<EtcdForward>(options.etcd);
      world_.etcd_forward = etcd_forward_.get();
    }
    // First the ports: nobody calls before the addresses are told at the end.
    TRY(add_node("pd", options.host, options.port,
                 [this](const HttpRequest& r) { return answer_pd_http(world_, *this, r); }));
    TRY(add_node("tikv", options.host, 0, answer_tikv_http));
    for (size_t pump = 0; pump < feed_->pumps(); ++pump) {
      TRY(add_node(
          fmt::format("pump-{}", pump + 1), options.host, 0,
          [this, pump](const HttpRequest& r) { return answer_pump_http(world_, *this, pump, r); }));
    }
    for (size_t member = 1; member < options.pds; ++member) {
      TRY(add_node(pd_name(member), options.host, 0,
                   [this](const HttpRequest& r) { return answer_pd_http(world_, *this, r); }));
    }
    for (size_t member = 0; member < options.pds; ++member) {
      TRY(start_server(pd_node(member), pd_services(member), options));
    }
    TRY(start_server(*nodes_[1], make_tikv_services(world_), options));
    for (size_t pump = 0; pump < feed_->pumps(); ++pump) {
      const auto end = [this, pump](const std::string& peer) { pump_node(pump).port->end(peer); };
      TRY(start_server(pump_node(pump), make_pump_services(world_, pump, end), options));
    }
    const std::string scheme = options.tls.is_on() ? "https://" : "http://";
    for (const std::string& address : pd_addresses()) {
      addresses_.pd_urls.push_back(scheme + address);
    }
    addresses_.tikv = tikv_address();
    world_.known_addresses = &addresses_;
    for (size_t pump = 0; pump < feed_->pumps(); ++pump) register_pump(pump);
    for (const auto& node : nodes_) {
      threads_.start(node->name, [port = node->port.get()](StopToken stop) {
        return port->run(std::move(stop));
      });
    }
    if (live_feed_ != nullptr) {
      ASSIGN_OR_RETURN(write_back_,
                       WriteBack::open(*options.write_back, *live_feed_, mvcc_, clock_));
      threads_.start("write-back",
                     [this](const StopToken& stop) { return write_back_->run(stop); });
    }
    threads_.start("control", [this](const StopToken& stop) { return control(stop); });
    for (const std::string& fault : options.faults) TRY(faults_.apply(fault));
    return {};
  }

  std::string pd_address() const override { return nodes_[0]->address(); }
  std::vector<std::string> pd_addresses() const override {
    std::vector<std::string> out{pd_address()};
    for (size_t i = 2 + feed_->pumps(); i < nodes_.size(); ++i) out.push_back(nodes_[i]->address());
    return out;
  }
  std::string control_address() const override { return nodes_[0]->port->address(); }
  std::string tikv_address() const override { return nodes_[1]->address(); }
  std::vector<std::string> pump_addresses() const override {
    std::vector<std::string> out;
    for (size_t pump = 0; pump < feed_->pumps(); ++pump) out.push_back(pump_node(pump).address());
    return out;
  }
  uint64_t cluster_id() const override { return capture_.cluster_id; }
  CommitTs from_ts() const override { return capture_.from_ts; }
  CommitTs until_ts() const override { return feed_->until_ts(); }
  int64_t transactions() const override { return feed_->transactions(); }

  Result<void> apply_fault(const std::string& text) override {
    log_info("fault", {{"text", text}});
    if (!text.empty()) return faults_.apply(text);
    faults_.clear();
    return {};
  }

  std::string state_json() const override;
  std::string pump_status_json(size_t pump) const override;

  void take_down(const std::string& node, const Outage& outage) override {
    MutexLock lock(mutex_);
    actions_.push_back({.due = clock_.now(), .node = node, .outage = outage});
    changed_.notify_all();
  }

  Result<void> set_pd_leader(size_t member) override {
    if (member < 1 || member > addresses_.pd_urls.size()) {
      return make_error(ErrorCode::kInvalid, "PD has {} members", addresses_.pd_urls.size());
    }
    world_.pd_leader = member - 1;
    return {};
  }

  void split_region() override {
    // The middle of all keys; where that is a boundary already, two thirds, and so on.
    size_t parts = 2;
    while (!regions_.split(mvcc_.key_at(parts - 1, parts)) && parts < mvcc_.size()) ++parts;
  }

  Result<void> wait(const StopToken& stop) override {
    const std::stop_callback forward(stop, [this] { threads_.request_stop(); });
    return threads_.wait();
  }

 private:
  struct Action {
    TimePoint due;
    std::string node;
    NodeControl::Outage outage;
    bool is_return = false;
  };

  std::unique_ptr<Feed> make_feed(const SimOptions& options) {
    if (!options.write_back) {
      return std::make_unique<PumpFeed>(capture_, options.feed, &shift_, clock_);
    }
    const size_t pumps = options.feed.pumps == 0 ? kLivePumps : options.feed.pumps;
    auto feed = std::make_unique<LiveFeed>(pumps, tso_);  // looks at tso_ only when used
    live_feed_ = feed.get();
    return feed;
  }

  Services pd_services(size_t member) {
    Services out = make_pd_services(world_, member);
    if (etcd_forward_) {
      out.push_back(etcd_forward_->make_service(world_));
      out.push_back(make_cluster_service(world_));
      return out;
    }
    for (auto& service : make_etcd_services(world_)) out.push_back(std::move(service));
    return out;
  }

  Result<void> add_node(const std::string& name, const std::string& host, uint16_t number,
                        HttpHandler http) {
    auto node = std::make_unique<Node>();
    node->name = name;
    const auto to_grpc = [node = node.get()](int fd) {
      grpc::AddInsecureChannelFromFd(node->server.get(), fd);
    };
    ASSIGN_OR_RETURN(node->port, Port::open(host, number, to_grpc, std::move(http)));
    nodes_.push_back(std::move(node));
    return {};
  }

  Node& pump_node(size_t pump) const { return *nodes_[pump + 2]; }
  Node& pd_node(size_t member) const {
    return *nodes_[member == 0 ? 0 : feed_->pumps() + 1 + member];
  }

  void register_pump(size_t pump) {
    if (!registers_pumps_) return;
    const std::string key = fmt::format("/tidb-binlog/v1/pumps/pump-{}", pump + 1);
    const std::string value = pump_status_json(pump);
    if (etcd_forward_) return etcd_forward_->put(key, value);
    etcd_.transact([&](EtcdStore::Txn& txn) { txn.put({.key = key, .value = value}); });
  }

  Result<void> control(const StopToken& stop);
  void take_away(Node& node, const Outage& outage, const StopToken& stop);
  void bring_back(Node& node, const Outage& outage);
  std::optional<size_t> pump_index(const Node& node) const;
  void set_state(Node& node, const std::string& state);

  Clock& clock_;
  const bool registers_pumps_;
  Capture capture_;
  MvccStore mvcc_;
  const std::map<int64_t, int64_t> job_versions_;
  const RowShift shift_;
  LiveFeed* live_feed_ = nullptr;  ///< feed_, when it is a live one
  const std::unique_ptr<Feed> feed_;
  std::unique_ptr<WriteBack> write_back_;
  Tso tso_;
  EtcdStore etcd_;
  RegionMap regions_;
  FaultBoard faults_;
  MetaClock meta_clock_;
  std::vector<PumpCounters> counters_;
  Addresses addresses_;
  World world_;
  std::unique_ptr<EtcdForward> etcd_forward_;
  std::vector<std::unique_ptr<Node>> nodes_;

  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<Action> actions_ GUARDED_BY(mutex_);
  mutable Mutex state_mutex_;  // of Node::state and Node::is_down
  ThreadGroup threads_;
};

std::optional<size_t> SimulatorImpl::pump_index(const Node& node) const {
  for (size_t pump = 0; pump < feed_->pumps(); ++pump) {
    if (&pump_node(pump) == &node) return pump;
  }
  return std::nullopt;
}

/// Carries out actions when they are due, writes the pumps' heartbeats, ends leases.
Result<void> SimulatorImpl::control(const StopToken& stop) {
  TimePoint next_heartbeat = clock_.now() + kHeartbeat;
  while (!stop.stop_requested()) {
    std::vector<Action> due;
    {
      MutexLock lock(mutex_);
      const auto is_due = [&](const Action& action) { return action.due <= clock_.now(); };
      changed_.wait_for(mutex_, stop, kTick, [&]() NO_THREAD_SAFETY_ANALYSIS {
        return std::any_of(actions_.begin(), actions_.end(), is_due);
      });
      for (const Action& action : actions_) {
        if (is_due(action)) due.push_back(action);
      }
      std::erase_if(actions_, is_due);
    }
    for (const Action& action : due) {
      for (const auto& node : nodes_) {
        if (node->name != action.node) continue;
        if (action.is_return) {
          bring_back(*node, action.outage);
        } else {
          take_away(*node, action.outage, stop);
        }
      }
    }
    etcd_.expire_leases();
    if (clock_.now() < next_heartbeat) continue;
    next_heartbeat = clock_.now() + kHeartbeat;
    for (size_t pump = 0; pump < feed_->pumps(); ++pump) {
      if (!pump_node(pump).is_down) register_pump(pump);
    }
  }
  return {};
}

void SimulatorImpl::set_state(Node& node, const std::string& state) {
  const auto pump = pump_index(node);
  if (!pump) return;
  {
    MutexLock lock(state_mutex_);
    node.state = state;
  }
  register_pump(*pump);
}

void SimulatorImpl::take_away(Node& node, const Outage& outage, const StopToken& stop) {
  log_info("node goes", {{"node", node.name}, {"orderly", outage.orderly}});
  if (outage.orderly) {
    set_state(node, "pausing");
    PumpCounters& counters = counters_[*pump_index(node)];
    counters.pausing = true;
    set_state(node, "paused");
    const TimePoint limit = clock_.now() + kOrderlyEnd;
    while (counters.streams > 0 && clock_.now() < limit) {
      if (!clock_.sleep_for(std::chrono::milliseconds(5), stop)) return;
    }
  }
  node.port->close_listener();
  if (outage.cut) {
    node.is_down = true;
    node.port->cut_all();
  }
  const TimePoint due = clock_.now() + outage.length;
  node.away_until = std::max(node.away_until, due);
  MutexLock lock(mutex_);
  actions_.push_back({.due = due, .node = node.name, .outage = outage, .is_return = true});
}

void SimulatorImpl::bring_back(Node& node, const Outage& outage) {
  if (clock_.now() < node.away_until) return;  // another outage lasts longer
  const auto opened = node.port->reopen(outage.move);
  if (!opened.ok())
    log_error("node does not come back", {{"node", node.name}, {"error", opened.error()}});
  node.is_down = false;
  if (const auto pump = pump_index(node)) {
    counters_[*pump].pausing = false;
    set_state(node, "online");
  }
  log_info("node is back", {{"node", node.name}, {"address", node.port->address()}});
}

std::string SimulatorImpl::pump_status_json(size_t pump) const {
  const Node& node = pump_node(pump);
  MutexLock lock(state_mutex_);
  return fmt::format(R"({{"nodeId":{},"host":{},"state":{},"isAlive":false,"score":0,"label":null,)"
                     R"("maxCommitTS":{},"updateTS":{}}})",
                     json_string(node.name), json_string(node.address()), json_string(node.state),
                     counters_[pump].max_commit_ts.load(), world_.tso.next().value);
}

std::string SimulatorImpl::state_json() const {
  std::string pumps;
  for (size_t pump = 0; pump < counters_.size(); ++pump) {
    const PumpCounters& counters = counters_[pump];
    if (pump > 0) pumps += ',';
    pumps += fmt::format(
        R"({{"name":"pump-{}","records":{},"fakes":{},"bytes":{},"pulls":{},"streams":{},)"
        R"("max_commit_ts":{},"client":{},"gzip":{}}})",
        pump + 1, counters.records.load(), counters.fakes.load(), counters.bytes.load(),
        counters.pulls.load(), counters.streams.load(), counters.max_commit_ts.load(),
        json_string(counters.client()), counters.gzip.load());
  }
  std::string nodes;
  for (const auto& node : nodes_) {
    const Port::Counts counts = node->port->counts();
    if (!nodes.empty()) nodes += ',';
    nodes += fmt::format(
        R"({{"name":"{}","address":"{}","grpc_connections":{},"http_connections":{},)"
        R"("accepted":{}}})",
        node->name, node->port->address(), counts.open_grpc, counts.open_http, counts.accepted);
  }
  std::string faults;
  for (const std::string& fault : faults_.armed()) {
    if (!faults.empty()) faults += ',';
    faults += json_string(fault);
  }
  return fmt::format(
      R"({{"from_ts":{},"until_ts":{},"transactions":{},"pumps":[{}],"nodes":[{}],"faults":[{}]}})",
      from_ts().value, until_ts().value, transactions(), pumps, nodes, faults);
}

}  // namespace

Result<std::unique_ptr<Simulator>> Simulator::open(const SimOptions& options, Clock& clock) {
  // TiKV's clients judge a store they lost by grpc.health.v1.
  grpc::EnableDefaultHealthCheckService(true);
  ASSIGN_OR_RETURN(Capture capture, load_world(options, clock));
  auto simulator = std::make_unique<SimulatorImpl>(options, std::move(capture), clock);
  TRY(simulator->start(options));
  return std::unique_ptr<Simulator>(std::move(simulator));
}

}  // namespace drainer::upstream
