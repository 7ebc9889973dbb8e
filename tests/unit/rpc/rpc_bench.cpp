#include <sys/resource.h>

#include <cstdio>

#include "drainer/rpc/grpc_client.h"

#include "stock_server.h"

#include <catch2/catch.hpp>

namespace drainer::rpc {

namespace {

/// CPU time of this thread in microseconds.
double thread_cpu_us() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  const auto us = [](const timeval& time) {
    return 1e6 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec);
  };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

}  // namespace

// Hidden: rpc_test '[bench]'. Compare with stack.md 3; build with the release preset.
TEST_CASE("bench: one stream from a stock server", "[.][bench]") {
  struct Case {
    size_t message_bytes;
    size_t count;
  };
  for (const Case& load : {Case{1'000, 300'000}, Case{100'000, 30'000}, Case{20'000'000, 200}}) {
    const Bytes message(load.message_bytes, 'x');
    const StockServer server([&](const std::string&, ServerCall& call) -> ServerStatus {
      for (size_t i = 0; i < load.count && call.write(message); ++i) continue;
      return {};
    });
    SystemClock clock;
    auto stream = GrpcChannel::create(server.target(), clock)
                      ->open_stream("/test/Stream", "", {}, StopToken());
    REQUIRE(stream.ok());
    const TimePoint start = clock.now();
    const double cpu_start_us = thread_cpu_us();
    size_t bytes = 0;
    while (true) {
      auto received = (*stream)->receive(StopToken());
      REQUIRE(received.ok());
      if (!*received) break;
      bytes += (*received)->size();
    }
    const double cpu_us = thread_cpu_us() - cpu_start_us;
    const double seconds = std::chrono::duration<double>(clock.now() - start).count();
    std::printf("%9zu bytes: %8.0f messages/s %7.0f MB/s, client CPU %8.2f us/message\n",
                load.message_bytes, static_cast<double>(load.count) / seconds,
                static_cast<double>(bytes) / seconds / 1e6,
                cpu_us / static_cast<double>(load.count));
    CHECK(bytes == load.count * load.message_bytes);
  }
}

}  // namespace drainer::rpc
