#include "tests/upstream/test_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

#include "tests/upstream/memcomparable.h"

namespace drainer::upstream {

namespace {

std::shared_ptr<grpc::Channel> channel_to(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  // Every stub its own connection, as the drainer has it.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

int connect_to(const std::string& address) {
  const size_t colon = address.rfind(':');
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &peer.sin_addr);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&peer), sizeof peer) == 0) return fd;
  close(fd);
  return -1;
}

}  // namespace

TestClient::TestClient(const std::string& directory, SimOptions options) {
  options.capture = directory;
  auto opened = Simulator::open(options, clock_);
  if (!opened.ok()) throw std::runtime_error(opened.error().to_string());
  simulator_ = std::move(opened).value();
}

std::unique_ptr<etcdserverpb::KV::Stub> TestClient::kv() const {
  return etcdserverpb::KV::NewStub(channel_to(simulator_->pd_address()));
}
std::unique_ptr<etcdserverpb::Lease::Stub> TestClient::lease() const {
  return etcdserverpb::Lease::NewStub(channel_to(simulator_->pd_address()));
}
std::unique_ptr<etcdserverpb::Watch::Stub> TestClient::watch() const {
  return etcdserverpb::Watch::NewStub(channel_to(simulator_->pd_address()));
}
std::unique_ptr<pdpb::PD::Stub> TestClient::pd() const {
  return pdpb::PD::NewStub(channel_to(simulator_->pd_address()));
}
std::unique_ptr<tikvpb::Tikv::Stub> TestClient::tikv() const {
  return tikvpb::Tikv::NewStub(channel_to(simulator_->tikv_address()));
}
std::unique_ptr<binlog::Pump::Stub> TestClient::pump(size_t index) const {
  return binlog::Pump::NewStub(channel_to(simulator_->pump_addresses()[index]));
}

std::unique_ptr<grpc::ClientContext> TestClient::context(std::chrono::milliseconds limit) {
  auto out = std::make_unique<grpc::ClientContext>();
  out->set_deadline(std::chrono::system_clock::now() + limit);
  return out;
}

TestClient::Pull TestClient::pull(size_t index, int64_t offset, size_t count,
                                  uint64_t cluster_id) const {
  return pull(*context(), index, offset, count, cluster_id);
}

TestClient::Pull TestClient::pull_for(size_t index, int64_t offset,
                                      std::chrono::milliseconds limit) const {
  return pull(*context(limit), index, offset, SIZE_MAX, SmallCapture::kClusterId);
}

TestClient::Pull TestClient::pull(grpc::ClientContext& call, size_t index, int64_t offset,
                                  size_t count, uint64_t cluster_id) const {
  const auto stub = pump(index);
  binlog::PullBinlogReq request;
  request.set_clusterid(cluster_id);
  request.mutable_startfrom()->set_offset(offset);
  const auto stream = stub->PullBinlogs(&call, request);
  Pull out;
  binlog::PullBinlogResp response;
  while (out.records.size() < count && stream->Read(&response)) {
    const auto& entity = response.entity();
    out.records.push_back({entity.meta().startts(), entity.meta().committs(), entity.payload()});
  }
  if (out.records.size() == count) call.TryCancel();
  out.status = stream->Finish();
  return out;
}

pdpb::RequestHeader TestClient::header() const {
  pdpb::RequestHeader out;
  out.set_cluster_id(simulator_->cluster_id());
  return out;
}

tikvpb::Context TestClient::region_of(const Bytes& key) const {
  pdpb::GetRegionRequest request;
  *request.mutable_header() = header();
  request.set_region_key(memcomparable(key));
  pdpb::GetRegionResponse response;
  (void)pd()->GetRegion(context().get(), request, &response);
  tikvpb::Context out;
  out.set_region_id(response.region().id());
  *out.mutable_region_epoch() = response.region().region_epoch();
  *out.mutable_peer() = response.leader();
  return out;
}

uint64_t TestClient::tso() const {
  const auto stub = pd();
  const auto call = context();
  const auto stream = stub->Tso(call.get());
  pdpb::TsoRequest request;
  *request.mutable_header() = header();
  request.set_count(1);
  pdpb::TsoResponse response;
  stream->Write(request);
  stream->Read(&response);
  stream->WritesDone();
  (void)stream->Finish();
  return static_cast<uint64_t>(response.timestamp().physical() << 18) +
         static_cast<uint64_t>(response.timestamp().logical());
}

std::string TestClient::etcd_value(const std::string& key) const {
  etcdserverpb::RangeRequest request;
  request.set_key(key);
  etcdserverpb::RangeResponse response;
  (void)kv()->Range(context().get(), request, &response);
  return response.kvs_size() == 1 ? response.kvs(0).value() : std::string();
}

std::pair<int, std::string> TestClient::http(const std::string& method,
                                             const std::string& target) const {
  return http_request(simulator_->pd_address(), method, target);
}

std::pair<int, std::string> http_request(const std::string& address, const std::string& method,
                                         const std::string& target) {
  const int fd = connect_to(address);
  if (fd < 0) return {0, {}};
  const std::string request =
      fmt::format("{} {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method, target);
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) return {0, {}};
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = recv(fd, buffer, sizeof buffer, 0)) > 0;) {
    answer.append(buffer, static_cast<size_t>(got));
  }
  close(fd);
  const size_t body = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.1 ") || body == std::string::npos) return {0, answer};
  return {std::stoi(answer.substr(9, 3)), answer.substr(body + 4)};
}

bool connects(const std::string& address) {
  const int fd = connect_to(address);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

}  // namespace drainer::upstream
