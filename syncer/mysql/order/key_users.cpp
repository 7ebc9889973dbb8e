#include "syncer/mysql/order/key_users.h"

#include <bit>
#include <utility>

namespace drainer::mysql {
namespace {

/// One in this many places is in use at least before the table shrinks, and two of three at most.
constexpr size_t kSparse = 16;
/// 2^64 through the golden ratio: close hashes come to lie apart.
constexpr uint64_t kSpread = 0x9e3779b97f4a7c15;

}  // namespace

size_t KeyUsers::home_of(uint64_t hash) const {
  return static_cast<size_t>((hash * kSpread) >> (64 - std::countr_zero(slots_.size())));
}

size_t KeyUsers::place_of(uint64_t hash) const {
  size_t place = home_of(hash);
  while (!is_free(slots_[place]) && slots_[place].hash != hash) place = next(place);
  return place;
}

KeyUsers::Key& KeyUsers::add(uint64_t hash) {
  Key* key = &slots_[place_of(hash)];
  if (!is_free(*key)) return *key;
  if (3 * (size_ + 1) > 2 * slots_.size()) {
    resize(2 * slots_.size());
    key = &slots_[place_of(hash)];
  }
  key->hash = hash;
  ++size_;
  return *key;
}

KeyUsers::Key* KeyUsers::find(uint64_t hash) {
  Key& key = slots_[place_of(hash)];
  return is_free(key) ? nullptr : &key;
}

void KeyUsers::erase(Key& key) {
  auto hole = static_cast<size_t>(&key - slots_.data());
  slots_[hole] = {};
  --size_;
  // What would not be found past the hole moves into it.
  for (size_t place = next(hole); !is_free(slots_[place]); place = next(place)) {
    const size_t mask = slots_.size() - 1;
    const size_t from_home = (place - home_of(slots_[place].hash)) & mask;
    if (from_home < ((place - hole) & mask)) continue;
    slots_[hole] = std::exchange(slots_[place], {});
    hole = place;
  }
  if (slots_.size() > kSlotsMin && size_ < slots_.size() / kSparse) resize(slots_.size() / 4);
}

void KeyUsers::resize(size_t slots) {
  std::vector<Key> old(slots);
  old.swap(slots_);
  for (Key& key : old) {
    if (!is_free(key)) slots_[place_of(key.hash)] = std::move(key);
  }
}

}  // namespace drainer::mysql
