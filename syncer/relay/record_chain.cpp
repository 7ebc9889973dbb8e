#include "syncer/relay/record_chain.h"

#include <algorithm>
#include <vector>

#include "drainer/base/log.h"
#include "drainer/base/wire_reader.h"
#include "syncer/file/segment_names.h"
#include "syncer/relay/record_source.h"

namespace drainer::relay {

namespace {

constexpr uint32_t kField = 8;
constexpr uint8_t kKey = kField << 3 | static_cast<uint8_t>(WireType::kVarint);

// Files go as soon as something behind them is applied, so that this is usual: only a downstream
// that has been set back lacks what they held.
Result<void> warn_of_unknown(const std::string& directory, CommitTs held, CommitTs begins) {
  ASSIGN_OR_RETURN(const std::vector<file::Segment> segments, file::list_segments(directory));
  if (segments.empty() || segments.front().index == 0) return {};
  log_warn(
      "early files of the relay log are gone, and its records do not tell what stood before them: "
      "should the downstream have been restored from a backup, transactions may be missing",
      {{"holds up to", held}, {"log begins at", begins}});
  return {};
}

}  // namespace

void put_previous_ts(ReverseWriter& out, CommitTs previous) {
  out.put_varint_field(kKey, static_cast<uint64_t>(previous.value));
}

std::optional<CommitTs> find_previous_ts(ByteView payload) {
  FieldReader fields(payload, payload.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    if (fields.field() == kField && fields.wire_type() == WireType::kVarint) {
      return CommitTs(fields.take_int64());
    }
    fields.skip();
  }
  return std::nullopt;
}

Result<std::optional<Gap>> find_gap(const std::string& directory, CommitTs held) {
  ASSIGN_OR_RETURN(RecordSource records, RecordSource::open({.path = directory,
                                                             .start = CommitTs(held.value + 1),
                                                             .may_be_empty = true}));
  CommitTs reached = held;
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<RecordSource::Item> item, records.next());
    if (!item) return std::optional<Gap>();
    const std::optional<CommitTs> previous = find_previous_ts(item->payload);
    if (previous && *previous > reached) {
      return std::optional<Gap>(
          {.held = reached, .previous = *previous, .begins = item->commit_ts});
    }
    if (!previous && reached == held) TRY(warn_of_unknown(directory, held, item->commit_ts));
    reached = item->commit_ts;
  }
}

}  // namespace drainer::relay
