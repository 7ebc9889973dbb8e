#include "syncer/mysql/order/key_users.h"

#include <map>
#include <random>

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

/// Hashes that all have the same home, whatever the size of the table: the spread of the table
/// multiplies, so the inverse of its factor undoes it.
uint64_t close_hash(uint64_t number) {
  constexpr uint64_t kInverse = 0xf1de83e19937733d;
  return number * kInverse;
}

void check_equal(KeyUsers& table, const std::map<uint64_t, NodeId>& model, uint64_t hashes) {
  REQUIRE(table.size() == model.size());
  for (uint64_t i = 0; i < hashes; ++i) {
    const auto known = model.find(close_hash(i));
    const KeyUsers::Key* const found = table.find(close_hash(i));
    REQUIRE((found != nullptr) == (known != model.end()));
    if (found != nullptr) REQUIRE(found->writer == known->second);
  }
}

TEST_CASE("key table: holds what a map would, also when all hashes meet in one place") {
  CHECK(close_hash(1) * 0x9e3779b97f4a7c15 == 1);
  std::mt19937_64 random(7);
  KeyUsers table;
  std::map<uint64_t, NodeId> model;
  constexpr uint64_t kHashes = 300;
  for (NodeId step = 1; step <= 3000; ++step) {
    const uint64_t hash = close_hash(random() % kHashes);
    if (random() % 2 == 0) {
      table.add(hash).writer = step;
      model[hash] = step;
    } else if (KeyUsers::Key* const key = table.find(hash)) {
      table.erase(*key);
      model.erase(hash);
    }
    if (step % 100 == 0) check_equal(table, model, kHashes);
  }
}

TEST_CASE("key table: grows, keeps readers, and shrinks") {
  KeyUsers table;
  constexpr uint64_t kKeys = 100'000;
  for (uint64_t i = 0; i < kKeys; ++i) {
    KeyUsers::Key& key = table.add(i);
    key.readers = std::make_unique<KeyUsers::Readers>();
    key.readers->ids.push_back(i);
  }
  CHECK(table.size() == kKeys);
  for (uint64_t i = 0; i < kKeys; ++i) {
    KeyUsers::Key* const key = table.find(i);
    REQUIRE(key != nullptr);
    REQUIRE(key->readers->ids.front() == i);
    if (i % 100 != 0) table.erase(*key);
  }
  CHECK(table.size() == kKeys / 100);
  for (uint64_t i = 0; i < kKeys; ++i) REQUIRE((table.find(i) != nullptr) == (i % 100 == 0));
}

}  // namespace
}  // namespace drainer::mysql
