#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace drainer::mysql {

/// Numbers transactions in the order in which they were added, from 1.
using NodeId = uint64_t;

/// Who uses which key, by the key's hash; one place for each key in use. One thread.
///
/// Open addressing: keys come and go with each transaction, millions in a second, and each is
/// looked for twice. It shrinks when few are left of many.
class KeyUsers {
 public:
  struct Readers {
    size_t open = 0;          ///< those not finished
    std::vector<NodeId> ids;  ///< with some that are
  };
  struct Key {
    uint64_t hash = 0;
    NodeId writer = 0;                 ///< the last one
    std::unique_ptr<Readers> readers;  ///< since then
  };

  KeyUsers() : slots_(kSlotsMin) {}

  /// A new one has neither writer nor readers: the caller gives it one of them before the next
  /// call. Valid until the next add() or erase().
  Key& add(uint64_t hash);
  /// Null when nobody uses it. Valid as long.
  Key* find(uint64_t hash);
  void erase(Key& key);
  size_t size() const { return size_; }

 private:
  static constexpr size_t kSlotsMin = 1024;

  static bool is_free(const Key& key) { return key.writer == 0 && key.readers == nullptr; }
  size_t next(size_t place) const { return (place + 1) & (slots_.size() - 1); }
  size_t home_of(uint64_t hash) const;
  /// Where it is, or would have to be.
  size_t place_of(uint64_t hash) const;
  void resize(size_t slots);

  std::vector<Key> slots_;  ///< a power of two
  size_t size_ = 0;
};

}  // namespace drainer::mysql
