#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drainer/base/bytes.h"
#include "drainer/base/file_descriptor.h"
#include "drainer/base/threads.h"
#include "drainer/rpc/grpc_client.h"

struct ssl_ctx_st;
struct ssl_st;

namespace drainer::rpc {

/// One HTTP/2 frame. Plain data.
struct Frame {
  uint8_t type = 0;
  uint8_t flags = 0;
  uint32_t stream_id = 0;
  Bytes payload = {};
};

enum FrameType : uint8_t {
  kData = 0,
  kHeaders = 1,
  kResetStream = 3,
  kSettings = 4,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
};
constexpr uint8_t kEndStream = 1;
constexpr uint8_t kAck = 1;
constexpr uint8_t kEndHeaders = 4;

using Fields = std::vector<std::pair<std::string, std::string>>;

Bytes to_bytes(const Frame& frame);
/// HPACK: literals without names from the table and without Huffman coding.
Bytes header_block(const Fields& fields);
/// The reverse, for whatever the client sends first.
Fields parse_header_block(ByteView block);
/// HEADERS of a good answer, its DATA, and its trailers.
Bytes answer_headers(Fields more = {});
Bytes answer_message(ByteView message, uint8_t flag = 0);
Bytes answer_trailers(const std::string& status);

/// The server's end of one connection, byte by byte. Blocking. One thread.
class RawPeer {
 public:
  RawPeer(FileDescriptor fd, ssl_ctx_st* tls);
  ~RawPeer();

  /// Exactly `size` bytes, fewer if the client has closed.
  Bytes read(size_t size);
  void write(ByteView bytes);
  /// Sends the end of our side; the rest of the client's is read away at the end of life, so that
  /// the client sees an orderly end.
  void close();
  /// The client's preface; false if it is something else.
  bool read_preface();
  Frame read_frame();
  /// The next frame of this type; others are passed over.
  Frame read_frame(FrameType type);

 private:
  FileDescriptor fd_;
  ssl_st* tls_ = nullptr;
  bool open_ = true;
};

/// A server that does to each connection, in turn, what its script says; then closes it.
class ScriptedServer {
 public:
  using Script = std::function<void(RawPeer&)>;
  struct Options {
    bool ipv6 = false;
    /// PEM files; empty: plain text. ALPN is never negotiated, as by pumps.
    std::string certificate_file = {};
    std::string key_file = {};
  };

  ScriptedServer(std::vector<Script> scripts, Options options);
  explicit ScriptedServer(std::vector<Script> scripts)
      : ScriptedServer(std::move(scripts), Options()) {}
  /// Waits for the end of the script that runs; what has no connection yet is left out.
  ~ScriptedServer();

  /// Waits as the destructor does; afterwards what the scripts wrote may be looked at.
  void join();

  GrpcTarget target() const;

 private:
  struct TlsDeleter {
    void operator()(ssl_ctx_st* context) const;
  };

  const Options options_;
  FileDescriptor listener_;
  std::unique_ptr<ssl_ctx_st, TlsDeleter> tls_;
  ThreadGroup thread_;
};

}  // namespace drainer::rpc
