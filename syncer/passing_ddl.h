#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/result.h"
#include "drainer/schema/table_filter.h"
#include "drainer/schema/table_version.h"

namespace drainer {

// The text of a DDL without what is about tables that the filter leaves out, where it is about
// several: batches of CREATE TABLE, RENAME TABLE. Nothing when nothing passes. Where no name needs
// `effect.use_schema` it becomes the database of a table that passes: that of one which does not
// may be absent downstream. All pure; what changes is `effect`.

/// A batch whose i-th statement makes `created[i]`.
std::optional<std::string> passing_creates(const schema::TableFilter& filter,
                                           schema::DdlEffect& effect,
                                           const std::vector<schema::TableName>& created,
                                           std::string_view text);

/// RENAME TABLE, ALTER TABLE … RENAME. Where a table is in the end decides, of whichever names it
/// had on its way; what makes room for one that passes, or takes its place, passes too. A table of
/// the drainer's own (TableFilter::is_own()) stays what it is downstream. Of other texts
/// effect.name decides. Sets `effect.must_fit`.
std::optional<std::string> passing_renames(const schema::TableFilter& filter,
                                           schema::DdlEffect& effect, std::string_view text);

/// An error for the EXCHANGE PARTITION of one table that the filter leaves out with one that it
/// does not: rows come and go with it that no binlog tells (spec/schema-and-ddl.md 2.6). FIX: the
/// original goes on with the old rows.
Result<void> check_exchange(const schema::TableFilter& filter, const schema::DdlEffect& effect);

/// True for the DROP DATABASE of one of `own`, in which the drainer keeps its progress downstream.
/// FIX: the original drops its own checkpoint, and starts at the upstream's present the next time.
bool drops_own_schema(std::span<const std::string> own, const schema::DdlEffect& effect,
                      std::string_view text);
/// How who leaves such a DDL out warns of it.
inline constexpr std::string_view kKeepsOwnSchema =
    "the database holds the drainer's own progress, it is not dropped downstream";

/// Any DDL that was read back. Its effect.name may be that of a table which an earlier filter has
/// taken out of the text: where the text tells what it creates or renames, that counts.
std::optional<std::string> passing_read_back(const schema::TableFilter& filter,
                                             schema::DdlEffect& effect, std::string_view text);

}  // namespace drainer
