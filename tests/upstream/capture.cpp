#include "tests/upstream/capture.h"

#include <filesystem>

#include <rapidjson/document.h>
#include <zlib.h>

#include "tests/upstream/wire.h"

namespace drainer::upstream {

namespace {

namespace fs = std::filesystem;

constexpr size_t kReadChunk = size_t{1} << 20;

/// The file `path`.gz, or `path` itself, unpacked (zlib passes plain files through).
Result<Bytes> read_file(const fs::path& path) {
  fs::path packed = path;
  packed += ".gz";
  const fs::path& used = fs::exists(packed) ? packed : path;
  gzFile file = gzopen(used.c_str(), "rb");
  if (file == nullptr) {
    return make_error(ErrorCode::kNotFound, "cannot open {}", used.string());
  }
  gzbuffer(file, kReadChunk);
  Bytes out;
  int got = 0;
  do {
    const size_t size = out.size();
    out.resize(size + kReadChunk);
    got = gzread(file, out.data() + size, kReadChunk);
    out.resize(size + static_cast<size_t>(got > 0 ? got : 0));
  } while (got > 0);
  if (gzclose(file) != Z_OK || got < 0) {
    return make_error(ErrorCode::kCorrupt, "cannot unpack {}", used.string());
  }
  out.shrink_to_fit();
  return out;
}

/// Takes a frame, 4 bytes of big-endian length and so many bytes, off the front.
Result<ByteView> take_frame(ByteView& rest) {
  if (rest.size() < 4 || rest.size() - 4 < load_be32(rest.data())) {
    return make_error(ErrorCode::kCorrupt, "a frame is cut off, {} bytes are left", rest.size());
  }
  const ByteView frame = rest.substr(4, load_be32(rest.data()));
  rest.remove_prefix(4 + frame.size());
  return frame;
}

Result<Tape> load_tape(const fs::path& path) {
  Tape tape;
  ASSIGN_OR_RETURN(Bytes frames, read_file(path));
  tape.frames = std::make_unique<const Bytes>(std::move(frames));
  for (ByteView rest = *tape.frames; !rest.empty();) {
    ASSIGN_OR_RETURN(const ByteView payload, take_frame(rest));
    ASSIGN_OR_RETURN(const Record record, parse_record(payload));
    if (!tape.records.empty() && record.commit_ts <= tape.records.back().commit_ts) {
      return make_error(ErrorCode::kCorrupt, "commit ts {} follows {}", record.commit_ts,
                        tape.records.back().commit_ts);
    }
    tape.records.push_back(record);
  }
  return tape;
}

Result<KeyValues> load_key_values(const fs::path& path) {
  ASSIGN_OR_RETURN(const Bytes frames, read_file(path));
  KeyValues out;
  for (ByteView rest = frames; !rest.empty();) {
    ASSIGN_OR_RETURN(const ByteView key, take_frame(rest));
    ASSIGN_OR_RETURN(const ByteView value, take_frame(rest));
    out.emplace_back(key, value);
  }
  return out;
}

Result<void> load_description(const fs::path& path, Capture& capture) {
  ASSIGN_OR_RETURN(const Bytes text, read_file(path));
  rapidjson::Document document;
  document.Parse(text.data(), text.size());
  if (!document.IsObject()) return make_error(ErrorCode::kCorrupt, "{} is no JSON", path.string());
  const auto number = [&](const char* name) -> Result<uint64_t> {
    const auto member = document.FindMember(name);
    if (member == document.MemberEnd() || !member->value.IsString()) {
      return make_error(ErrorCode::kCorrupt, "{} lacks {}", path.string(), name);
    }
    return std::strtoull(member->value.GetString(), nullptr, 10);
  };
  ASSIGN_OR_RETURN(capture.cluster_id, number("cluster_id"));
  ASSIGN_OR_RETURN(const uint64_t from, number("from_ts"));
  ASSIGN_OR_RETURN(const uint64_t until, number("until_ts"));
  ASSIGN_OR_RETURN(const uint64_t meta, number("meta_ts"));
  capture.from_ts = CommitTs(static_cast<int64_t>(from));
  capture.until_ts = CommitTs(static_cast<int64_t>(until));
  capture.meta_ts = CommitTs(static_cast<int64_t>(meta));
  return {};
}

}  // namespace

Result<Record> parse_record(ByteView payload) {
  Record record{.payload = payload};
  WireReader reader(payload);
  for (WireField field; reader.next(field);) {
    if (field.number == 2) record.start_ts = static_cast<int64_t>(field.value);
    if (field.number == 3) record.commit_ts = static_cast<int64_t>(field.value);
    if (field.number == 7) record.ddl_job_id = static_cast<int64_t>(field.value);
  }
  if (!reader.ok()) return make_error(ErrorCode::kCorrupt, "a payload is no Binlog message");
  return record;
}

Result<Capture> load_capture(const std::string& directory) {
  const fs::path root = directory;
  Capture capture;
  TRY(load_description(root / "capture.json", capture));
  for (int number = 1;; ++number) {
    const fs::path path = root / fmt::format("pump-{}.stream", number);
    if (!fs::exists(path) && !fs::exists(path.string() + ".gz")) break;
    auto tape = load_tape(path);
    if (!tape.ok()) return std::move(tape).error().because("load {}", path.string());
    capture.tapes.push_back(std::move(tape).value());
  }
  if (capture.tapes.empty()) {
    return make_error(ErrorCode::kNotFound, "{} has no pump-1.stream", directory);
  }
  ASSIGN_OR_RETURN(capture.meta_from, load_key_values(root / "tikv-meta.from.kv"));
  ASSIGN_OR_RETURN(capture.meta, load_key_values(root / "tikv-meta.kv"));
  return capture;
}

}  // namespace drainer::upstream
