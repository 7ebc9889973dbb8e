#include "syncer/relay/record_runs.h"

#include <algorithm>
#include <utility>

#include "syncer/file/message.h"
#include "syncer/file/record.h"

namespace drainer::relay {

void RecordRuns::end_span(Span span) {
  if (!span.first && !span.is_damaged) return;
  (runs_.empty() ? early_spans_ : runs_.back().spans).push_back(span);
}

void RecordRuns::add_file(size_t file, ByteView content) {
  Span span{.file = file};
  file::RecordReader reader(content);
  do {
    while (const std::optional<file::Record> record = reader.next()) {
      const std::optional<CommitTs> ts = file::find_commit_ts(record->payload);
      if (!ts) {
        span.is_damaged = true;
        continue;
      }
      if (runs_.empty()) {
        runs_.push_back({lowest_ ? std::min(*lowest_, *ts) : *ts, *ts, std::move(early_spans_)});
      } else if (*ts <= runs_.back().last) {
        span.end = record->offset;
        end_span(span);
        span = {.file = file, .begin = record->offset};
        runs_.push_back({*ts, *ts, {}});
      }
      if (!span.first) span.first = ts;
      span.last = *ts;
      runs_.back().last = *ts;
    }
    if (reader.damage()) span.is_damaged = true;
  } while (reader.skip_damage());
  span.end = content.size();
  end_span(span);
}

RecordRuns::Cover RecordRuns::cover() const {
  Cover out;
  if (runs_.empty()) return out;
  const Run& latest = runs_.back();
  out.pieces.push_back({&latest, latest.first, latest.last, /*repeats_before=*/false});
  for (auto run = runs_.rbegin() + 1; run != runs_.rend(); ++run) out.left_out.push_back(&*run);
  CommitTs low = latest.first;
  CommitTs high = latest.last;
  // One that reaches further may lead to those passed over before.
  for (bool has_grown = true; std::exchange(has_grown, false);) {
    std::erase_if(out.left_out, [&](const Run* run) {
      if (run->first > high) return false;
      if (run->first < low) {
        const CommitTs to(low.value - 1);
        out.pieces.insert(out.pieces.begin(), {run, run->first, to, /*repeats_before=*/false});
        low = run->first;
      }
      if (run->last > high) {
        const CommitTs from(high.value + 1);
        out.pieces.push_back({run, from, run->last, /*repeats_before=*/true});
        high = run->last;
        has_grown = true;
      }
      return true;
    });
  }
  return out;
}

std::vector<Stretch> RecordRuns::stretches(CommitTs start) const {
  std::vector<Stretch> out;
  // What is damaged from end to end is not passed over in silence.
  for (const Span& span : early_spans_) out.push_back({span.file, span.begin, span.end});
  for (const Piece& piece : cover().pieces) {
    const CommitTs from = std::max(piece.from, start);
    bool is_first = true;
    for (const Span& span : piece.run->spans) {
      if (is_first && !span.is_damaged && span.last < from) continue;
      if (span.first && *span.first > piece.to) break;
      out.push_back({.file = span.file,
                     .begin = span.begin,
                     .end = span.end,
                     .from = from,
                     .to = piece.to,
                     .repeats_before = is_first && piece.repeats_before});
      is_first = false;
    }
  }
  return out;
}

std::optional<RecordRuns::Anew> RecordRuns::find_anew() const {
  if (runs_.empty()) return std::nullopt;
  const Run* anew = nullptr;
  CommitTs lowest = runs_.front().first;
  CommitTs before = lowest;
  for (const Run& run : runs_) {
    if (run.first >= lowest) continue;
    anew = &run;
    before = std::exchange(lowest, run.first);
  }
  if (anew == nullptr) return std::nullopt;
  const Cover cover = this->cover();
  Anew out{.file = anew->spans.front().file,
           .offset = anew->spans.front().begin,
           .begin = anew->first,
           .first_before = before,
           .end = cover.pieces.back().to,
           .first_left_out = {}};
  for (const Run* run : cover.left_out) {
    out.first_left_out = std::min(out.first_left_out.value_or(run->first), run->first);
    out.last_left_out = std::max(out.last_left_out, run->last);
  }
  return out;
}

}  // namespace drainer::relay
