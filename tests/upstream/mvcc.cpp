#include "tests/upstream/mvcc.h"

#include <iterator>
#include <utility>

namespace drainer::upstream {

void MvccStore::put(ByteView key, uint64_t version, std::optional<Bytes> value) {
  MutexLock lock(mutex_);
  auto found = keys_.find(key);
  if (found == keys_.end()) found = keys_.emplace(Bytes(key), Versions{}).first;
  found->second.insert_or_assign(version, std::move(value));
}

const Bytes* MvccStore::visible(const Versions& versions, uint64_t version) {
  const auto after = versions.upper_bound(version);
  if (after == versions.begin()) return nullptr;
  const std::optional<Bytes>& value = std::prev(after)->second;
  return value ? &*value : nullptr;
}

std::optional<ByteView> MvccStore::get(ByteView key, uint64_t version) const {
  MutexLock lock(mutex_);
  const auto found = keys_.find(key);
  if (found == keys_.end()) return std::nullopt;
  const Bytes* value = visible(found->second, version);
  if (value == nullptr) return std::nullopt;
  return *value;
}

std::vector<MvccStore::Pair> MvccStore::scan(const Range& range, uint64_t version) const {
  std::vector<Pair> out;
  MutexLock lock(mutex_);
  auto low = keys_.lower_bound(range.start);
  auto high = range.end.empty() ? keys_.end() : keys_.lower_bound(range.end);
  if (!range.end.empty() && range.start >= range.end) return out;
  while (low != high && out.size() < range.limit) {
    const auto& [key, versions] = range.reverse ? *--high : *low++;
    if (const Bytes* value = visible(versions, version)) out.push_back({key, *value});
  }
  return out;
}

size_t MvccStore::size() const {
  MutexLock lock(mutex_);
  return keys_.size();
}

ByteView MvccStore::key_at(size_t part, size_t parts) const {
  MutexLock lock(mutex_);
  if (keys_.empty()) return {};
  const size_t index = std::min(keys_.size() - 1, keys_.size() * part / parts);
  return std::next(keys_.begin(), static_cast<ptrdiff_t>(index))->first;
}

}  // namespace drainer::upstream
