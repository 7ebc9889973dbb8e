#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "drainer/base/bytes.h"
#include "drainer/base/mutex.h"
#include "drainer/base/result.h"

namespace drainer::rpc {

/// What a call comes to: the messages of the answer and its gRPC status. Plain data.
struct GrpcReply {
  std::vector<Bytes> messages;
  int32_t status = 0;
  std::string text;  ///< of a status other than 0
};

/// A call that a session wants to have run by a thread that may block. Plain data.
struct PortCall {
  int32_t id = 0;  ///< the session's own
  std::function<GrpcReply(const StopToken&)> run;
};

/// The server's side of a protocol on one accepted connection: bytes in, bytes out, no I/O of its
/// own. Driven by Port. One thread.
class PortSession {
 public:
  /// Who has to do something next; decides which time limit holds.
  enum class Turn : uint8_t {
    kIdle,  ///< nobody: between two requests
    kPeer,  ///< the peer: a request is not complete
    kUs,    ///< we: a call runs, or there is output to be taken
  };

  virtual ~PortSession() = default;

  /// The next bytes of the peer. An error ends the connection at once, without a further byte.
  virtual Result<void> receive(ByteView bytes) = 0;
  /// The next bytes for the peer, a limited number; asked again when they have been sent, until
  /// there are none. A session holds back its work on further requests meanwhile.
  virtual Bytes take_output() = 0;
  virtual Turn turn() const = 0;
  /// How many requests have been answered so far: each gives the peer a new time limit.
  virtual uint64_t answered() const = 0;
  /// Nothing more will be received: to be closed as soon as all output has been sent.
  virtual bool finished() const = 0;

  /// A call to run, each once; complete() gets what came of it.
  virtual std::optional<PortCall> take_call() { return std::nullopt; }
  virtual void complete(int32_t /*id*/, GrpcReply /*reply*/) {}
};

/// The protocol that a client speaks, by the first bytes it sends.
enum class PortProtocol : uint8_t { kUndecided, kHttp1, kHttp2, kUnknown };

/// HTTP/2 begins with its preface, HTTP/1 with a method; anything else is neither
/// (spec/drainer-process.md 6.1).
PortProtocol tell_protocol(ByteView first_bytes);

}  // namespace drainer::rpc
