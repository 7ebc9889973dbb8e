#include "scripted_server.h"

#include <netinet/in.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>

namespace drainer::rpc {

namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// HPACK string of up to 126 bytes, not Huffman coded.
void append_hpack_string(Bytes& out, const std::string& text) {
  CHECK(text.size() < 127, "string of {} bytes", text.size());
  out.push_back(static_cast<char>(text.size()));
  out.append(text);
}

}  // namespace

Bytes to_bytes(const Frame& frame) {
  Bytes out;
  append_be32(out, static_cast<uint32_t>(frame.payload.size()) << 8 | frame.type);
  out.push_back(static_cast<char>(frame.flags));
  append_be32(out, frame.stream_id);
  return out + frame.payload;
}

Bytes header_block(const Fields& fields) {
  Bytes block;
  for (const auto& [name, value] : fields) {
    block.push_back(0);
    append_hpack_string(block, name);
    append_hpack_string(block, value);
  }
  return block;
}

Fields parse_header_block(ByteView block) {
  nghttp2_hd_inflater* inflater = nullptr;
  CHECK(nghttp2_hd_inflate_new(&inflater) == 0, "no memory");
  Fields fields;
  while (true) {
    nghttp2_nv field{};
    int flags = 0;
    const auto used = nghttp2_hd_inflate_hd2(
        inflater, &field, &flags, reinterpret_cast<const uint8_t*>(block.data()), block.size(),
        /*in_final=*/1);
    if (used < 0 || (flags & NGHTTP2_HD_INFLATE_EMIT) == 0) break;
    block.remove_prefix(static_cast<size_t>(used));
    fields.emplace_back(std::string(reinterpret_cast<char*>(field.name), field.namelen),
                        std::string(reinterpret_cast<char*>(field.value), field.valuelen));
  }
  nghttp2_hd_inflate_del(inflater);
  return fields;
}

Bytes answer_headers(Fields more) {
  Fields fields = {{":status", "200"}, {"content-type", "application/grpc"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return to_bytes({kHeaders, kEndHeaders, 1, header_block(fields)});
}

Bytes answer_message(ByteView message, uint8_t flag) {
  Bytes payload(1, static_cast<char>(flag));
  append_be32(payload, static_cast<uint32_t>(message.size()));
  payload.append(message);
  return to_bytes({kData, 0, 1, payload});
}

Bytes answer_trailers(const std::string& status) {
  return to_bytes({kHeaders, kEndHeaders | kEndStream, 1, header_block({{"grpc-status", status}})});
}

RawPeer::RawPeer(FileDescriptor fd, ssl_ctx_st* tls) : fd_(std::move(fd)) {
  if (tls == nullptr) return;
  tls_ = SSL_new(tls);
  SSL_set_fd(tls_, fd_.get());
  open_ = SSL_accept(tls_) == 1;
}

RawPeer::~RawPeer() {
  close();
  char rest[4096];
  while (::recv(fd_.get(), rest, sizeof rest, 0) > 0) continue;
  SSL_free(tls_);
}

Bytes RawPeer::read(size_t size) {
  Bytes bytes(size, '\0');
  size_t filled = 0;
  while (open_ && filled < size) {
    char* place = bytes.data() + filled;
    const auto room = size - filled;
    const ssize_t count = tls_ != nullptr ? SSL_read(tls_, place, static_cast<int>(room))
                                          : ::recv(fd_.get(), place, room, 0);
    if (count <= 0) break;
    filled += static_cast<size_t>(count);
  }
  bytes.resize(filled);
  return bytes;
}

void RawPeer::write(ByteView bytes) {
  while (open_ && !bytes.empty()) {
    const ssize_t count = tls_ != nullptr
                              ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                              : ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void RawPeer::close() {
  ::shutdown(fd_.get(), SHUT_WR);
}

bool RawPeer::read_preface() {
  return read(kPreface.size()) == kPreface;
}

Frame RawPeer::read_frame() {
  const Bytes header = read(9);
  if (header.size() < 9) return {.type = 0xff};
  const uint32_t start = load_be32(header.data());
  Frame frame{.type = static_cast<uint8_t>(start),
              .flags = static_cast<uint8_t>(header[4]),
              .stream_id = load_be32(header.data() + 5)};
  frame.payload = read(start >> 8);
  return frame;
}

Frame RawPeer::read_frame(FrameType type) {
  while (true) {
    Frame frame = read_frame();
    if (frame.type == type || frame.type == 0xff) return frame;
  }
}

void ScriptedServer::TlsDeleter::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

ScriptedServer::ScriptedServer(std::vector<Script> scripts, Options options)
    : options_(std::move(options)),
      listener_(::socket(options_.ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in6 ipv6{.sin6_family = AF_INET6,
                    .sin6_port = 0,
                    .sin6_flowinfo = 0,
                    .sin6_addr = in6addr_loopback,
                    .sin6_scope_id = 0};
  sockaddr_in ipv4{
      .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  const auto* address =
      options_.ipv6 ? reinterpret_cast<sockaddr*>(&ipv6) : reinterpret_cast<sockaddr*>(&ipv4);
  const int bound = ::bind(listener_.get(), address, options_.ipv6 ? sizeof ipv6 : sizeof ipv4);
  CHECK(bound == 0 && ::listen(listener_.get(), 8) == 0, "cannot listen");
  if (!options_.certificate_file.empty()) {
    tls_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate_chain_file(tls_.get(), options_.certificate_file.c_str());
    SSL_CTX_use_PrivateKey_file(tls_.get(), options_.key_file.c_str(), SSL_FILETYPE_PEM);
  }
  thread_.start("scripted", [this, scripts = std::move(scripts)](StopToken) -> Result<void> {
    for (const Script& script : scripts) {
      FileDescriptor fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd) break;
      RawPeer peer(std::move(fd), tls_.get());
      script(peer);
    }
    return {};
  });
}

ScriptedServer::~ScriptedServer() {
  join();
}

void ScriptedServer::join() {
  ::shutdown(listener_.get(), SHUT_RDWR);
  (void)thread_.wait();
}

GrpcTarget ScriptedServer::target() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  GrpcTarget target;
  target.host = options_.ipv6 ? "::1" : "127.0.0.1";
  // Both families have the port at the same place.
  target.port = ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  return target;
}

}  // namespace drainer::rpc
