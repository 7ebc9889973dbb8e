#pragma once

#include <span>

#include "conf/key_table.h"

namespace drainer::conf {

/// The keys of one element of a nested array or map.
template <class Owner>
std::span<const Key<Owner>> element_keys();
template <>
std::span<const Key<TablePattern>> element_keys();
template <>
std::span<const Key<ConflictRule>> element_keys();
template <>
std::span<const Key<TableMigrateRule>> element_keys();
template <>
std::span<const Key<BinlogFilterRule>> element_keys();

}  // namespace drainer::conf
