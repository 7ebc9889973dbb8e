#include "drainer/server/process_metrics.h"

#include <malloc.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "drainer/base/mutex.h"

namespace drainer::server {

namespace {

std::string read_proc(const char* path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path, "re"), std::fclose);
  std::string text(4096, '\0');
  text.resize(file == nullptr ? 0 : std::fread(text.data(), 1, text.size(), file.get()));
  return text;
}

// The numbers of /proc/self/stat from its third field on; the second is a name in parentheses.
std::vector<double> stat_fields() {
  const std::string text = read_proc("/proc/self/stat");
  std::vector<double> out;
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return out;
  std::string_view rest = std::string_view(text).substr(name_end + 1);
  while (!rest.empty()) {
    const size_t begin = rest.find_first_not_of(" \n");
    if (begin == std::string_view::npos) break;
    rest.remove_prefix(begin);
    const std::string_view field = rest.substr(0, rest.find_first_of(" \n"));
    double value = 0;
    (void)std::from_chars(field.data(), field.data() + field.size(), value);
    out.push_back(value);
    rest.remove_prefix(field.size());
  }
  return out;
}

// Unix time of the machine's start, in seconds.
double boot_time() {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/proc/stat", "re"), std::fclose);
  std::array<char, 4096> line{};
  while (file != nullptr && std::fgets(line.data(), line.size(), file.get()) != nullptr) {
    const std::string_view view = line.data();
    double value = 0;
    if (!view.starts_with("btime ")) continue;
    (void)std::from_chars(view.data() + 6, view.data() + view.size(), value);
    return value;
  }
  return 0;
}

double open_files() {
  std::error_code error;
  double count = 0;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) ++count;
  // One of them was the look itself.
  return count > 0 ? count - 1 : 0;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double limit_of(int resource) {
  rlimit limit{};
  // Without a limit this is 2^64, as Go's collector has it.
  return ::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0
             ? static_cast<double>(limit.rlim_cur)
             : 0;
}

}  // namespace

void refresh_process_metrics(MetricsRegistry& registry) {
  static Mutex mutex;  // one at a time: the counter is moved by a difference
  const MutexLock lock(mutex);

  // Positions in /proc/self/stat, counted from the third field.
  constexpr size_t kThreads = 17;
  constexpr size_t kStartTicks = 19;
  constexpr size_t kVirtualBytes = 20;
  constexpr size_t kResidentPages = 21;
  std::vector<double> stat = stat_fields();
  stat.resize(kResidentPages + 1);

  Counter& cpu = registry.counter("process_cpu_seconds_total",
                                  "Total user and system CPU time spent in seconds.");
  cpu.add(cpu_seconds() - cpu.value());
  const auto set = [&](std::string_view name, std::string_view help, double value) {
    registry.gauge(name, help).set(value);
  };
  set("process_open_fds", "Number of open file descriptors.", open_files());
  set("process_max_fds", "Maximum number of open file descriptors.", limit_of(RLIMIT_NOFILE));
  set("process_virtual_memory_bytes", "Virtual memory size in bytes.", stat[kVirtualBytes]);
  set("process_virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes.",
      limit_of(RLIMIT_AS));
  set("process_resident_memory_bytes", "Resident memory size in bytes.",
      stat[kResidentPages] * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  set("process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
      boot_time() + stat[kStartTicks] / static_cast<double>(::sysconf(_SC_CLK_TCK)));
  set("go_goroutines", "Number of goroutines that currently exist.", stat[kThreads]);
  const struct mallinfo2 heap = ::mallinfo2();
  set("go_memstats_heap_inuse_bytes", "Number of heap bytes that are in use.",
      static_cast<double>(heap.uordblks + heap.hblkhd));
}

}  // namespace drainer::server
