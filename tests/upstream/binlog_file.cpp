#include "tests/upstream/binlog_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace drainer::upstream {

namespace {

constexpr ByteView kMagic = "\xfe\x62\x69\x6e";
constexpr size_t kHeaderBytes = 19;
constexpr size_t kReadBytes = 256 << 10;
constexpr Duration kPoll = std::chrono::milliseconds(3);

}  // namespace

BinlogFile::BinlogFile(std::string path, Clock& clock) : path_(std::move(path)), clock_(clock) {}

BinlogFile::~BinlogFile() {
  if (fd_ >= 0) close(fd_);
}

Result<void> BinlogFile::fill(size_t bytes, const StopToken& stop) {
  if (begin_ > 0 && begin_ + bytes > buffer_.size()) {
    buffer_.erase(0, begin_);
    begin_ = 0;
  }
  while (buffer_.size() - begin_ < bytes) {
    if (fd_ < 0) fd_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    const size_t size = buffer_.size();
    buffer_.resize(size + kReadBytes);
    const ssize_t got = fd_ < 0 ? 0 : read(fd_, buffer_.data() + size, kReadBytes);
    buffer_.resize(size + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0) return make_error(ErrorCode::kInternal, "read {}: errno {}", path_, errno);
    if (got == 0 && !clock_.sleep_for(kPoll, stop)) {
      return stopped();
    }
  }
  return {};
}

void BinlogFile::go_on_with(ByteView name) {
  path_ = path_.substr(0, path_.rfind('/') + 1) + std::string(name);
  close(std::exchange(fd_, -1));
  buffer_.clear();
  begin_ = 0;
}

Result<BinlogEvent> BinlogFile::next(const StopToken& stop) {
  while (true) {
    TRY(fill(kMagic.size(), stop));
    if (ByteView(buffer_).substr(begin_, kMagic.size()) == kMagic) begin_ += kMagic.size();
    TRY(fill(kHeaderBytes, stop));
    const size_t size = load_le32(buffer_.data() + begin_ + 9);
    if (size < kHeaderBytes) {
      return make_error(ErrorCode::kCorrupt, "{}: an event of {} bytes", path_, size);
    }
    TRY(fill(size, stop));
    const auto type = static_cast<EventType>(buffer_[begin_ + 4]);
    const ByteView body = ByteView(buffer_).substr(begin_ + kHeaderBytes, size - kHeaderBytes);
    begin_ += size;
    if (type != EventType::kRotate) return BinlogEvent{.type = type, .body = body};
    go_on_with(Bytes(body.substr(8)));  // after the position
  }
}

}  // namespace drainer::upstream
