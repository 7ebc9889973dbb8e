#include "drainer/schema/schema_codec.h"

#include <algorithm>
#include <optional>

#include "drainer/base/fnv1a.h"
#include "drainer/schema/byte_fields.h"
#include "drainer/schema/image_fields.h"

namespace drainer::schema {

namespace {

constexpr ByteView kMagic = "DRSCHEMA";
constexpr size_t kChunkBytes = 64 << 10;
// A table of 4096 columns with long defaults stays far below.
constexpr uint32_t kRecordBytesMax = 64 << 20;

// Collects records and hands them on in chunks.
class StoreWriter {
 public:
  explicit StoreWriter(const WriteBytes& write) : write_(write) {}

  void put_raw(ByteView bytes) { pending_ += bytes; }

  template <class PutBody>
  Result<void> put(char kind, PutBody put_body) {
    body_.clear();
    body_.push_back(kind);
    FieldWriter fields(body_);
    put_body(fields);
    append_le32(pending_, static_cast<uint32_t>(body_.size()));
    pending_ += body_;
    return pending_.size() < kChunkBytes ? Result<void>() : flush();
  }

  Result<void> finish() {
    TRY(flush());
    append_le32(pending_, 9);
    pending_.push_back('Z');
    append_le64(pending_, hash_);
    return write_(pending_);
  }

 private:
  Result<void> flush() {
    hash_ = fnv1a(pending_, hash_);
    TRY(write_(pending_));
    pending_.clear();
    return {};
  }

  const WriteBytes& write_;
  uint64_t hash_ = kFnv1aBegin;
  Bytes pending_;
  Bytes body_;
};

// Puts an image together from records.
class ImageBuilder {
 public:
  explicit ImageBuilder(uint64_t cluster_id) : cluster_id_(cluster_id) {}

  Result<void> add(char kind, ByteView body) {
    FieldReader in(body);
    if ((kind == 'H') == has_header_) return make_error(ErrorCode::kCorrupt, "header out of place");
    TRY(take(kind, in));
    if (in.is_good() && in.is_at_end()) return {};
    return make_error(ErrorCode::kCorrupt, "malformed record {}", static_cast<int>(kind));
  }
  bool has_header() const { return has_header_; }
  SchemaImage image;

 private:
  Result<void> take(char kind, FieldReader& in) {
    switch (kind) {
      case 'H':
        return take_header(in);
      case 'D':
        image.databases.push_back({SchemaId(in.take_int()), std::string(in.take_bytes())});
        return {};
      case 'T': {
        ASSIGN_OR_RETURN(SchemaImage::Table table, take_table(in));
        image.tables.push_back(std::move(table));
        return {};
      }
      case 'X':
        image.dropped_databases.push_back({SchemaId(in.take_int()), in.take_int()});
        return {};
      case 'x': {
        if (image.dropped_databases.empty()) break;
        ASSIGN_OR_RETURN(SchemaImage::Table table, take_table(in));
        image.dropped_databases.back().tables.push_back(std::move(table));
        return {};
      }
      case 'A': {
        const TableId old(in.take_int());
        image.aliases.emplace_back(old, in.take_int());
        return {};
      }
      case 'G': {
        const TableId id(in.take_int());
        const bool is_truncated = in.take_uint() != 0;
        image.gone.emplace_back(id, is_truncated ? EndOfTable::kTruncated : EndOfTable::kDropped);
        return {};
      }
      case 'E': {
        const DdlJobId job(in.take_int());
        image.early_effects.emplace_back(job, take_effect(in));
        return {};
      }
      case 'N':
        take_jobs(in, image.done);
        return {};
      case 'K':
        take_jobs(in, image.known_jobs);
        return {};
      default:
        break;
    }
    return make_error(ErrorCode::kCorrupt, "unknown record {}", static_cast<int>(kind));
  }

  Result<void> take_header(FieldReader& in) {
    const uint64_t cluster_id = in.take_uint();
    if (cluster_id != cluster_id_) {
      return make_error(ErrorCode::kConflict, "it is of cluster {}, not {}", cluster_id,
                        cluster_id_);
    }
    image.commit_ts = CommitTs(in.take_int());
    image.version = SchemaVersion(in.take_int());
    has_header_ = true;
    return {};
  }

  const uint64_t cluster_id_;
  bool has_header_ = false;
};

// Reads exactly `size` bytes.
Result<void> read_all(const ReadBytes& read, char* buffer, size_t size) {
  ASSIGN_OR_RETURN(const size_t got, read(buffer, size));
  if (got < size) return make_error(ErrorCode::kCorrupt, "it is cut off");
  return {};
}

}  // namespace

Result<void> encode_schema(const SchemaImage& image, uint64_t cluster_id, const WriteBytes& write) {
  StoreWriter out(write);
  Bytes head(kMagic);
  append_le32(head, kSchemaFormat);
  out.put_raw(head);
  TRY(out.put('H', [&](FieldWriter& fields) {
    fields.put_uint(cluster_id);
    fields.put_int(image.commit_ts.value);
    fields.put_int(image.version.value);
  }));
  for (const auto& database : image.databases) {
    TRY(out.put('D', [&](FieldWriter& fields) {
      fields.put_int(database.id.value);
      fields.put_bytes(database.name);
    }));
  }
  for (const auto& table : image.tables) {
    TRY(out.put('T', [&](FieldWriter& fields) { put_table(fields, table); }));
  }
  for (const auto& dropped : image.dropped_databases) {
    TRY(out.put('X', [&](FieldWriter& fields) {
      fields.put_int(dropped.id.value);
      fields.put_int(dropped.finished_ts);
    }));
    for (const auto& table : dropped.tables) {
      TRY(out.put('x', [&](FieldWriter& fields) { put_table(fields, table); }));
    }
  }
  for (const auto& [old, now] : image.aliases) {
    TRY(out.put('A', [&](FieldWriter& fields) {
      fields.put_int(old.value);
      fields.put_int(now.value);
    }));
  }
  for (const auto& [id, how] : image.gone) {
    TRY(out.put('G', [&](FieldWriter& fields) {
      fields.put_int(id.value);
      fields.put_uint(how == EndOfTable::kTruncated ? 1 : 0);
    }));
  }
  for (const auto& [job, effect] : image.early_effects) {
    TRY(out.put('E', [&](FieldWriter& fields) {
      fields.put_int(job.value);
      put_effect(fields, effect);
    }));
  }
  TRY(out.put('N', [&](FieldWriter& fields) { put_jobs(fields, image.done); }));
  TRY(out.put('K', [&](FieldWriter& fields) { put_jobs(fields, image.known_jobs); }));
  return out.finish();
}

Result<SchemaImage> decode_schema(uint64_t cluster_id, const ReadBytes& read) {
  Bytes buffer(kMagic.size() + 4, '\0');
  TRY(read_all(read, buffer.data(), buffer.size()));
  if (!buffer.starts_with(kMagic)) return make_error(ErrorCode::kCorrupt, "it is no schema store");
  if (const uint32_t format = load_le32(buffer.data() + kMagic.size()); format != kSchemaFormat) {
    return make_error(ErrorCode::kCorrupt, "it has format {}, not {}", format, kSchemaFormat);
  }
  uint64_t hash = fnv1a(buffer);
  ImageBuilder builder(cluster_id);
  while (true) {
    char size_bytes[4];
    TRY(read_all(read, size_bytes, sizeof size_bytes));
    const uint32_t size = load_le32(size_bytes);
    if (size == 0 || size > kRecordBytesMax) {
      return make_error(ErrorCode::kCorrupt, "it has a record of {} bytes", size);
    }
    // Grown piece by piece, so that a wrong size costs no more memory than there are bytes.
    buffer.clear();
    while (buffer.size() < size) {
      const size_t begin = buffer.size();
      const size_t piece = std::min<size_t>(size - begin, kChunkBytes);
      buffer.resize(begin + piece);
      TRY(read_all(read, buffer.data() + begin, piece));
    }
    if (buffer[0] == 'Z') break;
    hash = fnv1a(buffer, fnv1a({size_bytes, sizeof size_bytes}, hash));
    TRY(builder.add(buffer[0], ByteView(buffer).substr(1)));
  }
  if (buffer.size() != 9 || load_le64(buffer.data() + 1) != hash) {
    return make_error(ErrorCode::kCorrupt, "its checksum is wrong");
  }
  if (!builder.has_header()) return make_error(ErrorCode::kCorrupt, "it has no header");
  return std::move(builder.image);
}

}  // namespace drainer::schema
