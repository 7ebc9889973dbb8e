// The reader of relay logs and pb files on a file of any content: it ends, commit ts rise, and with
// damage skipped it gives at least what it gives without.

#include <sys/mman.h>
#include <unistd.h>

#include "drainer/base/check.h"
#include "drainer/base/log.h"
#include "syncer/relay/record_source.h"

using namespace drainer;

namespace {

size_t count_records(const std::string& path, bool skips_damage) {
  auto source = relay::RecordSource::open({.path = path, .skips_damage = skips_damage});
  if (!source.ok()) return 0;
  CommitTs last(0);
  size_t count = 0;
  while (true) {
    const auto item = source->next();
    if (!item.ok() || !*item) return count;
    CHECK((*item)->commit_ts > last, "commit ts {} after {}", (*item)->commit_ts, last);
    CHECK(source->bytes_read() <= source->bytes_total(), "read beyond the end");
    last = (*item)->commit_ts;
    ++count;
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  (void)open_log({.level = LogLevel::kFatal, .file = ""});
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const int fd = ::memfd_create("records", 0);
  CHECK(fd >= 0 && ::write(fd, data, size) == static_cast<ssize_t>(size), "no file in memory");
  const std::string path = fmt::format("/proc/self/fd/{}", fd);
  const size_t strict = count_records(path, /*skips_damage=*/false);
  CHECK(count_records(path, /*skips_damage=*/true) >= strict, "skipping damage loses records");
  ::close(fd);
  return 0;
}
