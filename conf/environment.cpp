#include "conf/environment.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <memory>

#include "conf/go_text.h"
#include "drainer/base/log.h"

namespace drainer::conf {

namespace {

std::string variable_name(std::string_view flag) {
  std::string out = "BINLOG_SERVER_";
  for (const char c : flag) {
    out += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return out;
}

bool comes_too_late(std::string_view flag) {
  constexpr std::array<std::string_view, 6> kFlags = {
      "config", "V", "enable-dispatch", "enable-detect", "disable-dispatch", "disable-detect"};
  return std::ranges::find(kFlags, flag) != kFlags.end();
}

}  // namespace

std::vector<std::string> apply_environment(const Environment& environment,
                                           const CommandLine& command_line, Draft& draft) {
  std::vector<std::string> problems;
  for (const Key<Draft>* key : flags_in_order()) {
    const bool given = std::ranges::any_of(
        command_line.assignments, [&](const auto& assignment) { return assignment.key == key; });
    const std::string name = variable_name(key->flag);
    const std::string value = environment(name).value_or("");
    if (given || value.empty()) continue;
    Draft ignored;
    const Result<void> set =
        set_from_text(*key, value, comes_too_late(key->flag) ? ignored : draft);
    if (!set) {
      problems.push_back(fmt::format("invalid environment value {} for {}: {}", go_quote(value),
                                     name, set.error().text()));
      log_error("setFlagFromEnv failed", {{"error", problems.back()}});
      continue;
    }
    log_info("recognized and used environment variable",
             {{"key", name}, {"val", shown_text(value, key->traits.secrecy)}, {"flag", key->flag}});
  }
  return problems;
}

std::string default_ip() {
  ifaddrs* list = nullptr;
  std::string cause = "no ip found";
  if (::getifaddrs(&list) != 0) cause = system_error_text(errno);
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    const auto* address = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr);
    const uint32_t ip = ntohl(address->sin_addr.s_addr);
    if (ip == INADDR_ANY || ip >> 24 == 127) continue;
    std::array<char, INET_ADDRSTRLEN> text{};
    if (::inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size()) != nullptr) {
      return text.data();
    }
  }
  log_info("get default ip failed", {{"error", cause}, {"use", "127.0.0.1"}});
  return "127.0.0.1";
}

}  // namespace drainer::conf
