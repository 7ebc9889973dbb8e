#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drainer/base/mutex.h"
#include "drainer/base/result.h"
#include "drainer/server/status.h"

namespace drainer::server {

/// How the status port reaches the rest of the program. The port's threads call them; all but
/// notify() must return at once.
struct ServerCallbacks {
  std::function<Status()> status;
  std::function<CommitTs()> commit_ts;
  std::function<std::string()> state;  ///< of this node, as in PD: "online"
  std::function<void()> on_pause;      ///< begin to stop, to end as "paused"
  std::function<void()> on_close;      ///< begin to stop, to end as "offline"
  /// One look at the list of pumps, finished on return. kStopped when no such look will come.
  std::function<Result<void>(const StopToken&)> notify;
};

/// What a client asks. Plain data, valid during the call.
struct HttpQuestion {
  std::string_view method;
  std::string_view target;  ///< path and query as sent
  bool takes_gzip = false;
};

/// What it gets. Plain data.
struct HttpAnswer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> fields;  ///< those that precede Date
  std::string body;
  std::string body_type;  ///< Content-Type where the original has it behind Date
};

/// Finds the answer to one request (spec/drainer-process.md 6.2). One thread.
class Handlers {
 public:
  Handlers(std::string node_id, ServerCallbacks callbacks);

  HttpAnswer answer(const HttpQuestion& question) const;

 private:
  HttpAnswer apply_action(const std::string& node_id, const std::string& action) const;

  const std::string node_id_;
  const ServerCallbacks callbacks_;
};

}  // namespace drainer::server
