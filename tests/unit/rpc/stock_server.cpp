#include "stock_server.h"

#include "drainer/base/threads.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <cstdlib>
#include <list>

namespace drainer::rpc {

namespace {

grpc::ByteBuffer to_buffer(ByteView bytes) {
  const grpc::Slice slice(bytes.data(), bytes.size());
  return grpc::ByteBuffer(&slice, 1);
}

Bytes to_bytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  const bool dumped = buffer.Dump(&slices).ok();
  Bytes bytes;
  if (dumped) {
    for (const grpc::Slice& slice : slices) {
      bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
  }
  return bytes;
}

/// One completion at a time of an operation that a blocking caller waits for.
class Completion {
 public:
  void done(bool ok) {
    MutexLock lock(mutex_);
    done_ = true;
    ok_ = ok;
    changed_.notify_all();
  }

  bool wait() {
    MutexLock lock(mutex_);
    (void)changed_.wait(mutex_, StopToken(), [&]() NO_THREAD_SAFETY_ANALYSIS { return done_; });
    done_ = false;
    return ok_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool done_ GUARDED_BY(mutex_) = false;
  bool ok_ GUARDED_BY(mutex_) = false;
};

struct Call final : ServerCall {
  grpc::GenericServerContext context;
  grpc::GenericServerAsyncReaderWriter stream{&context};
  Completion accepted;
  Completion operation;
  Completion ended;

  std::optional<Bytes> read() override {
    grpc::ByteBuffer buffer;
    stream.Read(&buffer, &operation);
    if (!operation.wait()) return std::nullopt;
    return to_bytes(buffer);
  }

  bool write(ByteView message) override {
    stream.Write(to_buffer(message), &operation);
    return operation.wait();
  }

  void wait_cancelled() override {
    (void)ended.wait();
    ended.done(true);
  }
};

}  // namespace

struct StockServer::Implementation {
  Handler handler;
  Options options;
  int port = 0;
  grpc::AsyncGenericService service;
  std::unique_ptr<grpc::ServerCompletionQueue> queue;
  std::unique_ptr<grpc::Server> server;
  Mutex mutex;
  std::list<Call> calls GUARDED_BY(mutex);
  ThreadGroup queue_thread;
  ThreadGroup call_threads;

  Call& new_call() EXCLUDES(mutex) {
    MutexLock lock(mutex);
    return calls.emplace_back();
  }

  void accept_next() {
    Call& call = new_call();
    call.context.AsyncNotifyWhenDone(&call.ended);
    service.RequestCall(&call.context, &call.stream, queue.get(), queue.get(), &call.accepted);
    call_threads.start("call", [this, &call](StopToken) -> Result<void> {
      if (!call.accepted.wait()) return {};
      accept_next();
      if (options.gzip) call.context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
      const ServerStatus status = handler(call.context.method(), call);
      call.stream.Finish(grpc::Status(static_cast<grpc::StatusCode>(status.code), status.message),
                         &call.operation);
      (void)call.operation.wait();
      return {};
    });
  }

  void serve() {
    queue_thread.start("queue", [this](StopToken) -> Result<void> {
      void* tag = nullptr;
      bool ok = false;
      while (queue->Next(&tag, &ok)) static_cast<Completion*>(tag)->done(ok);
      return {};
    });
    accept_next();
  }
};

StockServer::StockServer(Handler handler, Options options)
    : implementation_(std::make_unique<Implementation>()) {
  // Failed handshakes are part of the tests.
  ::setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  Implementation& self = *implementation_;
  self.handler = std::move(handler);
  self.options = std::move(options);
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  if (!self.options.certificate.empty()) {
    grpc::SslServerCredentialsOptions ssl(
        self.options.client_ca.empty()
            ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
            : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    ssl.pem_root_certs = self.options.client_ca;
    ssl.pem_key_cert_pairs.push_back({self.options.key, self.options.certificate});
    credentials = grpc::SslServerCredentials(ssl);
  }
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(-1);
  builder.AddListeningPort("127.0.0.1:" + std::to_string(self.options.port), credentials,
                           &self.port);
  builder.RegisterAsyncGenericService(&self.service);
  self.queue = builder.AddCompletionQueue();
  self.server = builder.BuildAndStart();
  CHECK(self.server != nullptr, "port {} is taken", self.options.port);
  self.serve();
}

StockServer::~StockServer() {
  Implementation& self = *implementation_;
  self.server->Shutdown(std::chrono::system_clock::now());
  (void)self.call_threads.wait();
  self.queue->Shutdown();
  (void)self.queue_thread.wait();
}

uint16_t StockServer::port() const {
  return static_cast<uint16_t>(implementation_->port);
}

GrpcTarget StockServer::target() const {
  GrpcTarget target;
  target.host = "127.0.0.1";
  target.port = port();
  return target;
}

}  // namespace drainer::rpc
