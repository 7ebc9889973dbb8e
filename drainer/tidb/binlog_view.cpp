#include "drainer/tidb/binlog_view.h"

#include <algorithm>
#include <limits>

namespace drainer::tidb {
namespace {

enum class WireType : uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kLengthDelimited = 2,
  kGroupStart = 3,
  kGroupEnd = 4,
  kFixed32 = 5,
};

constexpr uint32_t kVarintBytesMax = 10;
constexpr uint64_t kFieldNumberMax = (1 << 29) - 1;

/// Walks the fields of one message.
///
///   for (reader.next(); reader.field() != 0; reader.next()) …take one value…
///
/// After a fault field() is 0 and fault() is set, so loops end by themselves. One thread.
class FieldReader {
 public:
  /// `origin` is the start of the whole buffer, for offsets in errors.
  FieldReader(ByteView message, const char* origin)
      : origin_(origin), at_(message.data()), end_(message.data() + message.size()) {}

  /// Number of the field at hand; 0 at the end of the message and after a fault.
  uint32_t field() const { return field_; }
  WireType wire_type() const { return wire_type_; }

  void next() {
    field_ = 0;
    if (at_ == end_ || fault_ != nullptr) return;
    const uint64_t tag = read_varint();
    const uint64_t number = tag >> 3;
    if (fault_ != nullptr) return;
    if (number == 0 || number > kFieldNumberMax) return fail("illegal field number");
    wire_type_ = static_cast<WireType>(tag & 7);
    field_ = static_cast<uint32_t>(number);
  }

  uint64_t take_varint() {
    if (wire_type_ != WireType::kVarint) return fail("wrong wire type"), 0;
    return read_varint();
  }
  int64_t take_int64() { return static_cast<int64_t>(take_varint()); }

  ByteView take_bytes() {
    if (wire_type_ != WireType::kLengthDelimited) return fail("wrong wire type"), ByteView();
    const uint64_t size = read_varint();
    if (size > static_cast<uint64_t>(end_ - at_)) return fail("field cut off"), ByteView();
    const ByteView bytes(at_, size);
    at_ += size;
    return bytes;
  }

  /// A repeated number: one element, or many packed into one field.
  template <class Each>
  void take_varints(Each each) {
    if (wire_type_ == WireType::kVarint) return each(read_varint());
    const ByteView packed = take_bytes();
    FieldReader numbers(packed, origin_);
    while (numbers.at_ != numbers.end_) each(numbers.read_varint());
    if (!numbers.ok()) {
      at_ = numbers.at_;
      fail(numbers.fault_);
    }
  }

  void skip() {
    switch (wire_type_) {
      case WireType::kVarint:
        read_varint();
        return;
      case WireType::kFixed64:
        return skip_bytes(8);
      case WireType::kLengthDelimited:
        take_bytes();
        return;
      case WireType::kFixed32:
        return skip_bytes(4);
      case WireType::kGroupStart:
      case WireType::kGroupEnd:
        return fail("group");
    }
    fail("illegal wire type");
  }

  bool ok() const { return fault_ == nullptr; }
  Error fault() const {
    return make_error(ErrorCode::kCorrupt, "binlog: {} at byte {}", fault_, at_ - origin_);
  }

 private:
  void fail(const char* what) {
    if (fault_ == nullptr) fault_ = what;
    field_ = 0;
    end_ = at_;
  }

  void skip_bytes(ptrdiff_t count) {
    if (end_ - at_ < count) return fail("field cut off");
    at_ += count;
  }

  /// Bits beyond the 64th are dropped, as protobuf readers do.
  uint64_t read_varint() {
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) [[likely]]
      return static_cast<uint8_t>(*at_++);
    uint64_t value = 0;
    const char* p = at_;
    for (uint32_t i = 0; i < kVarintBytesMax && p != end_; ++i) {
      const auto byte = static_cast<uint8_t>(*p++);
      value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) {
        at_ = p;
        return value;
      }
    }
    fail(p == end_ ? "number cut off" : "number larger than 64 bits");
    return 0;
  }

  const char* origin_;
  const char* at_;
  const char* end_;
  const char* fault_ = nullptr;
  uint32_t field_ = 0;
  WireType wire_type_ = WireType::kVarint;
};

/// Enumerators that we do not know stay unknown: they must not turn into known ones by cutting.
uint8_t narrow_enum(uint64_t value) {
  return static_cast<uint8_t>(std::min<uint64_t>(value, std::numeric_limits<uint8_t>::max()));
}

MutationType to_mutation_type(uint64_t value) {
  return static_cast<MutationType>(narrow_enum(value));
}

Result<void> parse_mutation(ByteView message, const char* origin, MutationView& out) {
  out.table_id = TableId(0);
  out.inserted_rows.clear();
  out.updated_rows.clear();
  out.deleted_rows.clear();
  out.sequence.clear();
  FieldReader fields(message, origin);
  for (fields.next(); fields.field() != 0; fields.next()) {
    switch (fields.field()) {
      case 1:
        out.table_id = TableId(fields.take_int64());
        break;
      case 2:
        out.inserted_rows.push_back(fields.take_bytes());
        break;
      case 3:
        out.updated_rows.push_back(fields.take_bytes());
        break;
      case 6:
        out.deleted_rows.push_back(fields.take_bytes());
        break;
      case 7:
        fields.take_varints(
            [&](uint64_t value) { out.sequence.push_back(to_mutation_type(value)); });
        break;
      default:
        fields.skip();
    }
  }
  return fields.ok() ? Result<void>() : fields.fault();
}

/// Number of mutations in a PrewriteValue; what is malformed is found when they are parsed.
size_t count_mutations(ByteView prewrite_value) {
  size_t count = 0;
  FieldReader fields(prewrite_value, prewrite_value.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    if (fields.field() == 2) ++count;
    fields.skip();
  }
  return count;
}

}  // namespace

Result<BinlogView> parse_binlog(ByteView payload) {
  BinlogView view;
  FieldReader fields(payload, payload.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    switch (fields.field()) {
      case 1:
        view.type = static_cast<int32_t>(fields.take_int64());
        break;
      case 2:
        view.start_ts = StartTs(fields.take_int64());
        break;
      case 3:
        view.commit_ts = CommitTs(fields.take_int64());
        break;
      case 5:
        view.prewrite_value = fields.take_bytes();
        break;
      case 6:
        view.ddl_query = fields.take_bytes();
        break;
      case 7:
        view.ddl_job_id = DdlJobId(fields.take_int64());
        break;
      case 8:
        view.ddl_schema_state = static_cast<SchemaState>(narrow_enum(fields.take_varint()));
        break;
      default:
        fields.skip();
    }
  }
  if (!fields.ok()) return fields.fault();
  return view;
}

Result<void> parse_prewrite_into(ByteView prewrite_value, PrewriteView& out) {
  out.schema_version = SchemaVersion(0);
  out.mutations.resize(count_mutations(prewrite_value));
  auto mutation = out.mutations.begin();
  FieldReader fields(prewrite_value, prewrite_value.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    switch (fields.field()) {
      case 1:
        out.schema_version = SchemaVersion(fields.take_int64());
        break;
      case 2: {
        const ByteView message = fields.take_bytes();
        if (fields.ok()) TRY(parse_mutation(message, prewrite_value.data(), *mutation++));
        break;
      }
      default:
        fields.skip();
    }
  }
  return fields.ok() ? Result<void>() : fields.fault();
}

Result<PrewriteView> parse_prewrite(ByteView prewrite_value) {
  PrewriteView view;
  TRY(parse_prewrite_into(prewrite_value, view));
  return view;
}

}  // namespace drainer::tidb
