#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drainer/base/mutex.h"
#include "drainer/rpc/grpc_client.h"

namespace drainer::fakes {

/// What one opened stream will deliver: messages, then an end or an error; else it blocks.
struct StreamScript {
  std::vector<Bytes> messages = {};
  std::optional<Error> error = {};
  bool blocks = false;  ///< after the messages: neither end nor error
};

/// A server that plays scripts, one per opened stream; it outlives its channels. Any thread.
class FakeServer {
 public:
  void add(StreamScript script) {
    MutexLock lock(mutex_);
    scripts_.push_back(std::move(script));
  }

  std::vector<Bytes> requests() const {
    MutexLock lock(mutex_);
    return requests_;
  }
  std::vector<std::string> dialled() const {
    MutexLock lock(mutex_);
    return dialled_;
  }

  std::unique_ptr<rpc::GrpcChannel> connect(rpc::GrpcTarget target);

 private:
  friend class FakeChannel;

  mutable Mutex mutex_;
  std::deque<StreamScript> scripts_ GUARDED_BY(mutex_);
  std::vector<Bytes> requests_ GUARDED_BY(mutex_);
  std::vector<std::string> dialled_ GUARDED_BY(mutex_);
};

class FakeStream final : public rpc::GrpcStream {
 public:
  explicit FakeStream(StreamScript script) : script_(std::move(script)) {}

  Result<void> send(ByteView, const StopToken&) override { return {}; }
  Result<void> finish_sending(const StopToken&) override { return {}; }
  Result<std::optional<Bytes>> receive(const StopToken& stop) override {
    if (next_ < script_.messages.size()) return std::optional<Bytes>(script_.messages[next_++]);
    if (script_.error) return *script_.error;
    if (!script_.blocks) return std::optional<Bytes>();
    Mutex mutex;
    CondVar never;
    MutexLock lock(mutex);
    never.wait(mutex, stop, [] { return false; });
    return stopped();
  }
  bool has_message() const override { return next_ < script_.messages.size(); }

 private:
  StreamScript script_;
  size_t next_ = 0;
};

class FakeChannel final : public rpc::GrpcChannel {
 public:
  FakeChannel(FakeServer& server, rpc::GrpcTarget target)
      : server_(server), target_(std::move(target)) {}

  Result<Bytes> unary(std::string_view, ByteView, Duration, const StopToken&) override {
    return make_error(ErrorCode::kUnsupported, "no unary calls here");
  }
  Result<std::unique_ptr<rpc::GrpcStream>> open_stream(std::string_view,
                                                       std::optional<ByteView> first_message,
                                                       StreamOptions, const StopToken&) override {
    MutexLock lock(server_.mutex_);
    server_.dialled_.push_back(target_.address());
    server_.requests_.emplace_back(first_message.value_or(ByteView()));
    if (server_.scripts_.empty()) return make_error(ErrorCode::kUnavailable, "connection refused");
    std::unique_ptr<rpc::GrpcStream> stream =
        std::make_unique<FakeStream>(std::move(server_.scripts_.front()));
    server_.scripts_.pop_front();
    return stream;
  }
  const rpc::GrpcTarget& target() const override { return target_; }

 private:
  FakeServer& server_;
  rpc::GrpcTarget target_;
};

inline std::unique_ptr<rpc::GrpcChannel> FakeServer::connect(rpc::GrpcTarget target) {
  return std::make_unique<FakeChannel>(*this, std::move(target));
}

}  // namespace drainer::fakes
