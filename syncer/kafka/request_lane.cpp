#include "syncer/kafka/request_lane.h"

#include <utility>

#include "drainer/base/check.h"

namespace drainer::kafka {

namespace {

// More than what a request holds beside payload and key.
constexpr size_t kMessageFrameBytes = 64;
constexpr size_t kRequestFrameBytes = 1024;

}  // namespace

std::vector<RequestLane::Message> RequestLane::take_request(const Limits& limits) {
  std::vector<Message> out;
  if (unreported_ > 0) return out;
  size_t bytes = kRequestFrameBytes;
  while (!waiting_.empty() && out.size() < limits.messages) {
    Message& next = waiting_.front();
    bytes += kMessageFrameBytes + next.payload.size() + (next.key ? next.key->size() : 0);
    if (!out.empty() && bytes > limits.bytes) break;
    out.push_back(std::move(next));
    waiting_.pop_front();
  }
  unreported_ = out.size();
  return out;
}

void RequestLane::note_report() {
  CHECK(unreported_ > 0, "a report without a request");
  --unreported_;
}

}  // namespace drainer::kafka
