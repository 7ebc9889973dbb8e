#pragma once

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drainer/cluster/channels.h"

namespace drainer::fakes {

/// Servers without sockets: an address answers by a function, or is not there. One thread.
class FakeNet {
 public:
  /// The answer to one request; also to each message of a stream.
  using Server = std::function<Result<Bytes>(std::string_view method, ByteView request)>;

  void serve(std::string address, Server server) {
    servers_[std::move(address)] = {std::move(server), ++generation_};
  }
  void kill(const std::string& address) { servers_.erase(address); }

  cluster::ChannelFactory factory() {
    return [this](rpc::GrpcTarget target) {
      return std::make_unique<Channel>(*this, std::move(target));
    };
  }

  /// "address method" of every call and stream message, in order.
  const std::vector<std::string>& calls() const { return calls_; }
  size_t count(std::string_view call) const {
    return static_cast<size_t>(std::count(calls_.begin(), calls_.end(), call));
  }
  int streams_opened() const { return streams_opened_; }

 private:
  struct Entry {
    Server server;
    int generation;
  };

  Result<Bytes> answer(const std::string& address, std::string_view method, ByteView request) {
    calls_.push_back(address + " " + std::string(method));
    const auto found = servers_.find(address);
    if (found == servers_.end()) {
      return Error(ErrorCode::kUnavailable, "connection refused", ECONNREFUSED);
    }
    const Server server = found->second.server;  // It may replace itself.
    return server(method, request);
  }
  int generation(const std::string& address) const {
    const auto found = servers_.find(address);
    return found == servers_.end() ? 0 : found->second.generation;
  }

  /// Breaks when its server is killed or replaced.
  class Stream final : public rpc::GrpcStream {
   public:
    Stream(FakeNet& net, std::string address, std::string method)
        : net_(net),
          address_(std::move(address)),
          method_(std::move(method)),
          generation_(net.generation(address_)) {}
    Result<void> send(ByteView message, const StopToken&) override {
      if (net_.generation(address_) != generation_) return broken();
      answers_.push_back(net_.answer(address_, method_, message));
      return {};
    }
    Result<void> finish_sending(const StopToken&) override { return {}; }
    Result<std::optional<Bytes>> receive(const StopToken&) override {
      if (answers_.empty()) return broken();
      Result<Bytes> answer = std::move(answers_.front());
      answers_.erase(answers_.begin());
      if (!answer.ok()) return std::move(answer).error();
      if (answer->empty()) return std::optional<Bytes>();  // The server ends the call.
      return std::optional<Bytes>(*std::move(answer));
    }
    bool has_message() const override { return !answers_.empty(); }

   private:
    static Error broken() { return Error(ErrorCode::kUnavailable, "connection reset"); }

    FakeNet& net_;
    std::string address_;
    std::string method_;
    int generation_;
    std::vector<Result<Bytes>> answers_;
  };

  class Channel final : public rpc::GrpcChannel {
   public:
    Channel(FakeNet& net, rpc::GrpcTarget target) : net_(net), target_(std::move(target)) {}
    Result<Bytes> unary(std::string_view method, ByteView request, Duration,
                        const StopToken& stop) override {
      if (stop.stop_requested()) return stopped();
      return net_.answer(target_.address(), method, request);
    }
    Result<std::unique_ptr<rpc::GrpcStream>> open_stream(std::string_view method,
                                                         std::optional<ByteView> first,
                                                         StreamOptions,
                                                         const StopToken& stop) override {
      if (net_.generation(target_.address()) == 0) {
        return Error(ErrorCode::kUnavailable, "connection refused", ECONNREFUSED);
      }
      ++net_.streams_opened_;
      auto stream = std::make_unique<Stream>(net_, target_.address(), std::string(method));
      if (first) TRY(stream->send(*first, stop));
      return std::unique_ptr<rpc::GrpcStream>(std::move(stream));
    }
    const rpc::GrpcTarget& target() const override { return target_; }

   private:
    FakeNet& net_;
    rpc::GrpcTarget target_;
  };

  std::map<std::string, Entry> servers_;
  int generation_ = 0;
  std::vector<std::string> calls_;
  int streams_opened_ = 0;
};

inline Error grpc_error(rpc::GrpcStatus status, std::string text) {
  const ErrorCode code = status == rpc::GrpcStatus::kUnavailable     ? ErrorCode::kUnavailable
                         : status == rpc::GrpcStatus::kUnimplemented ? ErrorCode::kUnsupported
                                                                     : ErrorCode::kInternal;
  return Error(code, std::move(text), static_cast<int32_t>(status));
}

}  // namespace drainer::fakes
