#include "tests/upstream/meta_keys.h"

#include <fmt/format.h>

#include "tests/upstream/memcomparable.h"

namespace drainer::upstream {

namespace {

Bytes typed_prefix(ByteView key, char type) {
  Bytes out = "m";
  append_memcomparable(out, key);
  append_be64(out, static_cast<uint64_t>(type));
  return out;
}

}  // namespace

Bytes hash_prefix(ByteView key) {
  return typed_prefix(key, 'h');
}

Bytes hash_field_key(ByteView key, ByteView field) {
  Bytes out = hash_prefix(key);
  append_memcomparable(out, field);
  return out;
}

Bytes string_key(ByteView key) {
  return typed_prefix(key, 's');
}

std::optional<HashField> parse_hash_field(ByteView key) {
  if (!key.starts_with('m')) return std::nullopt;
  key.remove_prefix(1);
  auto hash = take_memcomparable(key);
  if (!hash.ok() || key.size() < 8 || load_be64(key.data()) != 'h') return std::nullopt;
  key.remove_prefix(8);
  auto field = take_memcomparable(key);
  if (!field.ok() || !key.empty()) return std::nullopt;
  return HashField{std::move(hash).value(), std::move(field).value()};
}

Bytes database_key(int64_t schema_id) {
  return hash_field_key("DBs", fmt::format("DB:{}", schema_id));
}

Bytes table_key(int64_t schema_id, int64_t table_id) {
  return hash_field_key(fmt::format("DB:{}", schema_id), fmt::format("Table:{}", table_id));
}

}  // namespace drainer::upstream
