#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "drainer/base/bytes.h"
#include "drainer/base/ids.h"
#include "tests/integration/expected_messages.h"

namespace drainer::integration {

/// What changed at one commit ts. Plain data.
struct ChangesAt {
  std::map<std::string, std::array<int, 3>> rows;  ///< by `schema.table`; by RowKind
  std::set<std::string> ddls;                      ///< texts as the JSON formats have them

  bool operator==(const ChangesAt&) const = default;
};
using Changes = std::map<CommitTs, ChangesAt>;

/// Of messages in the original's format.
Changes changes_in(const ExpectedMessages& messages);

/// Of messages in canal-json with `_tidb`, or in debezium. FAILs when a message cannot be read or
/// its commit ts is lower than that of one before it; watermarks are passed over.
Changes changes_in_json(const std::vector<Bytes>& messages);

/// An update that changes a row's key is a delete and an insert in the JSON formats: each count may
/// be so split, and nothing else. Fails with the first commit ts that differs.
void check_changes(const Changes& expected, const Changes& actual);

}  // namespace drainer::integration
