#include "tests/unit/rpc/test_ca.h"
#include "tests/unit/server/http_client.h"
#include "tests/unit/server/running_server.h"

#include <atomic>
#include <memory>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <catch2/catch.hpp>

namespace drainer::test {

namespace {

// What a stock client gets for a unary call.
struct Outcome {
  grpc::Status status;
  std::string message;
};

std::shared_ptr<grpc::Channel> plain_channel(const RunningServer& server) {
  return grpc::CreateChannel(server.address(), grpc::InsecureChannelCredentials());
}

std::string to_string(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return "unreadable";
  std::string out;
  for (const grpc::Slice& slice : slices) {
    out.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return out;
}

// Also for threads of the test, where Catch must not be called.
Outcome call(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
             const std::string& request = "", bool gzip = false) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  if (gzip) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  const grpc::Slice slice(request);
  const grpc::ByteBuffer message(&slice, 1);
  grpc::CompletionQueue queue;
  const auto reader = stub.PrepareUnaryCall(&context, method, message, &queue);
  reader->StartCall();
  grpc::ByteBuffer answer;
  Outcome outcome;
  reader->Finish(&answer, &outcome.status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  (void)queue.Next(&tag, &ok);
  if (outcome.status.ok() && answer.Valid()) outcome.message = to_string(answer);
  return outcome;
}

}  // namespace

TEST_CASE("grpc: a stock client's Notify is answered when the look at the pumps is finished") {
  std::atomic<int> looks = 0;
  const RunningServer server({.tls = {}, .limits = {}, .notify = [&](const StopToken&) {
                                ++looks;
                                return Result<void>();
                              }});
  const auto channel = plain_channel(server);
  for (int i = 1; i <= 3; ++i) {
    const Outcome outcome = call(channel, "/binlog.Cistern/Notify");
    INFO(outcome.status.error_message());
    CHECK(outcome.status.ok());
    CHECK(outcome.message.empty());
    CHECK(looks == i);
  }
}

TEST_CASE("grpc: a failed look is told with its text, one that will not come as unavailable") {
  std::atomic<bool> collector_runs = true;
  const RunningServer server(
      {.tls = {}, .limits = {}, .notify = [&](const StopToken&) {
         if (collector_runs) {
           return Result<void>(make_error(ErrorCode::kUnavailable, "etcd: 100% gone\nfor ever ü"));
         }
         return Result<void>(stopped());
       }});
  const auto channel = plain_channel(server);
  const Outcome failed = call(channel, "/binlog.Cistern/Notify");
  CHECK(failed.status.error_code() == grpc::StatusCode::UNKNOWN);
  CHECK(failed.status.error_message() == "etcd: 100% gone\nfor ever ü");
  collector_runs = false;
  CHECK(call(channel, "/binlog.Cistern/Notify").status.error_code() ==
        grpc::StatusCode::UNAVAILABLE);
}

TEST_CASE("grpc: the two old calls are answered with nothing, unknown ones are refused") {
  const RunningServer server;
  const auto channel = plain_channel(server);
  const Outcome jobs = call(channel, "/binlog.Cistern/DumpDDLJobs", "\x08\x01");
  CHECK(jobs.status.ok());
  CHECK(jobs.message.empty());
  CHECK(call(channel, "/binlog.Cistern/DumpDDLJobs", "\x08\x01", /*gzip=*/true).status.ok());
  CHECK(call(channel, "/binlog.Cistern/Other").status.error_code() ==
        grpc::StatusCode::UNIMPLEMENTED);

  // A stream without a message.
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto next = [&] {
    void* tag = nullptr;
    bool ok = false;
    REQUIRE(queue.Next(&tag, &ok));
    return ok;
  };
  const auto stream = stub.PrepareCall(&context, "/binlog.Cistern/DumpBinlog", &queue);
  stream->StartCall(nullptr);
  REQUIRE(next());
  const grpc::Slice slice(std::string("\x08\x01"));
  stream->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  REQUIRE(next());
  grpc::ByteBuffer message;
  stream->Read(&message, nullptr);
  CHECK_FALSE(next());
  grpc::Status status;
  stream->Finish(&status, nullptr);
  REQUIRE(next());
  CHECK(status.ok());
}

TEST_CASE("grpc: too long a request is refused and the connection lives on") {
  const RunningServer server;
  const auto channel = plain_channel(server);
  CHECK(call(channel, "/binlog.Cistern/DumpDDLJobs", std::string(60000, 'x')).status.ok());
  CHECK(
      call(channel, "/binlog.Cistern/DumpDDLJobs", std::string(100000, 'x')).status.error_code() ==
      grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(call(channel, "/binlog.Cistern/Notify").status.ok());
}

TEST_CASE("grpc: HTTP and gRPC share the port, and a waiting Notify delays nobody") {
  std::atomic<bool> waiting = false;
  StopSource finish;
  const RunningServer server(
      {.tls = {}, .limits = {}, .notify = [&](const StopToken&) -> Result<void> {
         SystemClock clock;
         waiting = true;
         waiting.notify_all();
         clock.sleep_for(std::chrono::seconds(20), finish.get_token());
         return {};
       }});
  ThreadGroup clients;
  std::atomic<int> answered = 0;
  clients.start("notify", [&](const StopToken&) -> Result<void> {
    answered += call(plain_channel(server), "/binlog.Cistern/Notify").status.ok() ? 1 : 0;
    return {};
  });
  waiting.wait(false);
  HttpClient http(server.port());
  CHECK(http.get("/status").status_line == "HTTP/1.1 200 OK");
  CHECK(answered == 0);
  finish.request_stop();
  CHECK(clients.wait().ok());
  CHECK(answered == 1);
}

TEST_CASE("grpc: a stop ends a waiting Notify") {
  std::atomic<bool> waiting = false;
  ThreadGroup clients;
  grpc::Status status;
  {
    const RunningServer server(
        {.tls = {}, .limits = {}, .notify = [&](const StopToken& stop) -> Result<void> {
           SystemClock clock;
           waiting = true;
           waiting.notify_all();
           clock.sleep_for(std::chrono::seconds(20), stop);
           return stopped();
         }});
    const auto channel = plain_channel(server);
    clients.start("notify", [&status, channel](const StopToken&) -> Result<void> {
      status = call(channel, "/binlog.Cistern/Notify").status;
      return {};
    });
    waiting.wait(false);
  }
  CHECK(clients.wait().ok());
  CHECK(status.error_code() == grpc::StatusCode::UNAVAILABLE);
}

TEST_CASE("grpc: a stock client gets through TLS, with a demanded name in its certificate") {
  const rpc::TemporaryDirectory directory;
  const rpc::TestCa ca(directory, "ca");
  const auto mine = ca.issue("binlog", "IP:127.0.0.1");
  const auto stranger = ca.issue("stranger", "IP:127.0.0.1");
  auto tls = rpc::TlsContext::open({.ca_file = ca.file(),
                                    .cert_file = mine.certificate_file,
                                    .key_file = mine.key_file,
                                    .allowed_common_names = {"binlog"}});
  REQUIRE(tls.ok());
  const RunningServer server({.tls = *tls});
  const auto notify = [&](const rpc::TestCa::Certificate& certificate) {
    const auto credentials =
        grpc::SslCredentials({.pem_root_certs = rpc::read_file(ca.file()),
                              .pem_private_key = rpc::read_file(certificate.key_file),
                              .pem_cert_chain = rpc::read_file(certificate.certificate_file)});
    return call(grpc::CreateChannel(server.address(), credentials), "/binlog.Cistern/Notify")
        .status;
  };
  CHECK(notify(mine).ok());
  CHECK(notify(stranger).error_code() == grpc::StatusCode::UNAVAILABLE);
}

TEST_CASE("grpc: an HTTP/2 request that is not gRPC ends the connection") {
  const RunningServer server;
  HttpClient client(server.port());
  // Preface, empty SETTINGS, and a request for "/" in HPACK's static table with END_STREAM.
  client.send(std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") +
              std::string("\0\0\0\4\0\0\0\0\0", 9) + std::string("\0\0\6\1\5\0\0\0\1", 9) +
              "\x82\x84\x86\x41\x01"
              "d");
  const std::string answer = client.read_to_end();
  CHECK(answer.size() <= 9 + 12 + 9);
}

}  // namespace drainer::test
