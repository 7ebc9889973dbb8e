#include "tests/bench/recording.h"

#include <algorithm>
#include <thread>

#include "drainer/base/ascii.h"
#include "drainer/base/check.h"
#include "syncer/mysql/session/session.h"

namespace drainer::bench {
namespace {

constexpr size_t kHeaderBytes = 4;
constexpr char kQueryCommand = 3;
constexpr char kErrorPacket = '\xff';

/// How many requests have been answered, in the order of the recording.
class Answers {
 public:
  explicit Answers(const Recording& recording) {
    for (const Recording::Requests& requests : recording.connections()) {
      for (const Recording::Request& request : requests) {
        if (request.answered > 0) order_.push_back(request.answered);
      }
    }
    std::ranges::sort(order_);
    is_answered_.resize(order_.size());
  }

  void note(uint64_t answered) {
    MutexLock lock(mutex_);
    is_answered_[position(answered)] = true;
    while (done_ < is_answered_.size() && is_answered_[done_]) ++done_;
    changed_.notify_all();
  }

  /// Until all that were answered before the moment `sent` are answered.
  void wait_for_all_before(uint64_t sent) {
    MutexLock lock(mutex_);
    changed_.wait(mutex_, StopToken(),
                  [&]() NO_THREAD_SAFETY_ANALYSIS { return done_ >= position(sent); });
  }

 private:
  size_t position(uint64_t moment) const {
    return static_cast<size_t>(std::ranges::lower_bound(order_, moment) - order_.begin());
  }

  std::vector<uint64_t> order_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<bool> is_answered_ GUARDED_BY(mutex_);
  size_t done_ GUARDED_BY(mutex_) = 0;
};

bool returns_rows(std::string_view text) {
  const std::string begin = fold_case(text.substr(0, 8));
  return begin.starts_with("select") || begin.starts_with("show") || begin.starts_with("\nselect");
}

ReplayOutcome replay_connection(const Recording::Requests& requests, Answers& answers,
                                const mysql::SessionOptions& options) {
  auto session = mysql::Session::open(options);
  CHECK(session.ok(), "{}", session.error().to_string());
  ReplayOutcome outcome;
  for (const Recording::Request& request : requests) {
    if (request.answered == 0) break;  // the program was killed meanwhile
    answers.wait_for_all_before(request.sent);
    if (request.has_failed) {
      // Rolled back and sent again: after a deadlock, which need not come here, it would be done
      // twice.
      answers.note(request.answered);
      continue;
    }
    Result<void> done;
    if (returns_rows(request.text)) {
      if (auto rows = (*session)->query(request.text); !rows.ok()) done = rows.error();
    } else if (auto count = (*session)->execute(request.text); !count.ok()) {
      done = count.error();
    }
    ++outcome.statements;
    if (!done.ok()) {
      if (outcome.errors++ == 0) {
        outcome.first_error = done.error().to_string() + " in " + request.text.substr(0, 300);
      }
      (void)(*session)->rollback();
    }
    answers.note(request.answered);
  }
  return outcome;
}

}  // namespace

Recording::Connection Recording::add_connection() {
  MutexLock lock(mutex_);
  return {connections_.emplace_back(), moment_};
}

void Recording::Connection::note_request(std::string_view bytes) {
  pending_ += bytes;
  while (pending_.size() >= kHeaderBytes) {
    const size_t length = packet_length(pending_);
    if (pending_.size() < kHeaderBytes + length) return;
    // Answers to the handshake carry higher sequence numbers.
    if (pending_[3] == 0 && length > 0 && pending_[kHeaderBytes] == kQueryCommand) {
      requests_.push_back({.text = pending_.substr(kHeaderBytes + 1, length - 1),
                           .sent = ++moment_,
                           .answered = 0});
    }
    pending_.erase(0, kHeaderBytes + length);
  }
}

void Recording::Connection::note_answer(std::string_view bytes) {
  if (!requests_.empty()) requests_.back().answered = ++moment_;
  while (!bytes.empty()) {
    if (answer_rest_ > 0) {
      const size_t part = std::min(answer_rest_, bytes.size());
      answer_rest_ -= part;
      bytes.remove_prefix(part);
      continue;
    }
    answer_header_.push_back(bytes[0]);
    bytes.remove_prefix(1);
    const bool is_whole = answer_header_.size() == kHeaderBytes;
    if (is_whole && packet_length(answer_header_) == 0) answer_header_.clear();
    if (answer_header_.size() <= kHeaderBytes) continue;
    // No row of a result begins with this byte.
    if (answer_header_.back() == kErrorPacket && !requests_.empty()) {
      requests_.back().has_failed = true;
    }
    answer_rest_ = packet_length(answer_header_) - 1;
    answer_header_.clear();
  }
}

size_t Recording::Connection::packet_length(std::string_view pending) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(pending[i]); };
  return byte(0) | size_t{byte(1)} << 8 | size_t{byte(2)} << 16;
}

ReplayOutcome replay(const Recording& recording, uint16_t port) {
  const mysql::SessionOptions options{.host = "127.0.0.1",
                                      .port = port,
                                      .user = "dr",
                                      .password = "p",
                                      .security = {},
                                      .read_timeout = std::chrono::minutes(10),
                                      .variables = {}};
  Answers answers(recording);
  std::vector<ReplayOutcome> outcomes(recording.connections().size());
  {
    std::vector<std::jthread> threads;
    for (const Recording::Requests& requests : recording.connections()) {
      ReplayOutcome& outcome = outcomes[threads.size()];
      threads.emplace_back([&] { outcome = replay_connection(requests, answers, options); });
    }
  }
  ReplayOutcome total;
  for (const ReplayOutcome& outcome : outcomes) {
    total.statements += outcome.statements;
    total.errors += outcome.errors;
    if (total.first_error.empty()) total.first_error = outcome.first_error;
  }
  return total;
}

}  // namespace drainer::bench
