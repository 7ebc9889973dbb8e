#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drainer/cluster/etcd.h"

namespace drainer::fakes {

/// An etcd in memory. One thread.
class FakeEtcd final : public cluster::EtcdClient {
 public:
  std::map<std::string, std::string, std::less<>> values;
  std::optional<Error> failure;        ///< of every call, while set
  std::function<void()> before_write;  ///< what another client does in between
  std::function<void()>
      before_answer;                ///< what happens once between a prefix's read and its answer
  std::vector<std::string> writes;  ///< "create <key>" or "update <key>", as asked for

  Result<std::vector<cluster::EtcdKeyValue>> range_prefix(std::string_view prefix,
                                                          const StopToken&) override {
    if (failure) return *failure;
    std::vector<cluster::EtcdKeyValue> found;
    for (const auto& [key, value] : values) {
      if (key.starts_with(prefix)) found.push_back({.key = key, .value = value});
    }
    if (const auto hook = std::exchange(before_answer, nullptr)) hook();
    return found;
  }
  Result<cluster::EtcdKeyValue> get(std::string_view key, const StopToken&) override {
    if (failure) return *failure;
    const auto found = values.find(key);
    if (found == values.end()) return Error(ErrorCode::kNotFound, "not found");
    return cluster::EtcdKeyValue{.key = found->first, .value = found->second};
  }
  Result<void> create_key(std::string_view key, std::string_view value, const StopToken&) override {
    TRY(begin_write("create", key));
    if (values.contains(key)) return Error(ErrorCode::kConflict, "already exists");
    values.insert_or_assign(std::string(key), std::string(value));
    return {};
  }
  Result<cluster::EtcdKeyValue> update_key(std::string_view key, std::string_view value,
                                           const StopToken&) override {
    TRY(begin_write("update", key));
    const auto found = values.find(key);
    if (found == values.end()) return Error(ErrorCode::kNotFound, "not found");
    return cluster::EtcdKeyValue{.key = std::string(key),
                                 .value = std::exchange(found->second, std::string(value))};
  }

 private:
  Result<void> begin_write(std::string_view verb, std::string_view key) {
    if (failure) return *failure;
    writes.push_back(std::string(verb) + " " + std::string(key));
    if (before_write) before_write();
    return {};
  }
};

}  // namespace drainer::fakes
