#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

#include <fmt/format.h>

namespace drainer {

/// A number with a meaning: ids and timestamps that cannot be mixed up. Plain value.
template <class Tag, class T>
struct Tagged {
  T value{};

  constexpr Tagged() = default;
  constexpr explicit Tagged(T v) : value(v) {}
  friend constexpr auto operator<=>(const Tagged&, const Tagged&) = default;
};

/// A TSO of PD: Unix milliseconds << 18 | logical counter. Signed as in the binlog messages.
using CommitTs = Tagged<struct CommitTsTag, int64_t>;
using StartTs = Tagged<struct StartTsTag, int64_t>;
using SchemaVersion = Tagged<struct SchemaVersionTag, int64_t>;
using SchemaId = Tagged<struct SchemaIdTag, int64_t>;
using TableId = Tagged<struct TableIdTag, int64_t>;
using ColumnId = Tagged<struct ColumnIdTag, int64_t>;
using DdlJobId = Tagged<struct DdlJobIdTag, int64_t>;
/// The node id under which a pump is registered in PD's etcd.
using PumpId = Tagged<struct PumpIdTag, std::string>;

/// Unix milliseconds of a TSO.
constexpr int64_t physical_ms(CommitTs ts) {
  return ts.value >> 18;
}
constexpr CommitTs make_commit_ts(int64_t unix_ms, int64_t logical = 0) {
  return CommitTs((unix_ms << 18) + logical);
}

}  // namespace drainer

template <class Tag, class T>
struct std::hash<drainer::Tagged<Tag, T>> {
  size_t operator()(const drainer::Tagged<Tag, T>& id) const { return std::hash<T>{}(id.value); }
};

template <class Tag, class T>
struct fmt::formatter<drainer::Tagged<Tag, T>> : fmt::formatter<T> {
  template <class Context>
  auto format(const drainer::Tagged<Tag, T>& id, Context& context) const {
    return fmt::formatter<T>::format(id.value, context);
  }
};
