#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drainer/cluster/etcd.h"

namespace drainer::fakes {

/// An etcd in memory. One thread.
class FakeEtcd final : public cluster::EtcdClient {
 public:
  std::map<std::string, std::string, std::less<>> values;
  std::optional<Error> failure;        ///< of every call, while set
  std::function<void()> before_write;  ///< what another client does in between
  std::function<void()> before_get;
  std::vector<std::string> writes;  ///< "create <key>" or "update <key>", as asked for

  Result<std::vector<cluster::EtcdKeyValue>> range_prefix(std::string_view prefix,
                                                          const StopToken&) override {
    if (failure) return *failure;
    std::vector<cluster::EtcdKeyValue> found;
    for (const auto& [key, value] : values) {
      if (key.starts_with(prefix)) found.push_back({.key = key, .value = value});
    }
    return found;
  }
  Result<cluster::EtcdKeyValue> get(std::string_view key, const StopToken&) override {
    if (before_get) before_get();
    if (failure) return *failure;
    const auto found = values.find(key);
    if (found == values.end()) return Error(ErrorCode::kNotFound, "not found");
    return cluster::EtcdKeyValue{.key = found->first, .value = found->second};
  }
  Result<void> create_key(std::string_view key, std::string_view value, const StopToken&) override {
    return put("create", key, value, /*must_exist=*/false);
  }
  Result<void> update_key(std::string_view key, std::string_view value, const StopToken&) override {
    return put("update", key, value, /*must_exist=*/true);
  }

 private:
  Result<void> put(std::string_view verb, std::string_view key, std::string_view value,
                   bool must_exist) {
    if (failure) return *failure;
    writes.push_back(std::string(verb) + " " + std::string(key));
    if (before_write) before_write();
    const bool exists = values.contains(key);
    if (exists && !must_exist) return Error(ErrorCode::kConflict, "already exists");
    if (!exists && must_exist) return Error(ErrorCode::kNotFound, "not found");
    values.insert_or_assign(std::string(key), std::string(value));
    return {};
  }
};

}  // namespace drainer::fakes
