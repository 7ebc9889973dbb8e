#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/rare.h"

namespace drainer::tidb {

/// Column types by their code (spec/schema-and-ddl.md 1.10).
enum class ColumnType : uint8_t {
  kUnspecified = 0x00,
  kTiny = 0x01,
  kShort = 0x02,
  kLong = 0x03,
  kFloat = 0x04,
  kDouble = 0x05,
  kNull = 0x06,
  kTimestamp = 0x07,
  kLongLong = 0x08,
  kInt24 = 0x09,
  kDate = 0x0a,
  kDuration = 0x0b,
  kDatetime = 0x0c,
  kYear = 0x0d,
  kNewDate = 0x0e,
  kVarchar = 0x0f,
  kBit = 0x10,
  kJson = 0xf5,
  kNewDecimal = 0xf6,
  kEnum = 0xf7,
  kSet = 0xf8,
  kTinyBlob = 0xf9,
  kMediumBlob = 0xfa,
  kLongBlob = 0xfb,
  kBlob = 0xfc,
  kVarString = 0xfd,
  kString = 0xfe,
  kGeometry = 0xff,
};

/// The bits of FieldType::flags that a drainer looks at.
inline constexpr uint32_t kFlagNotNull = 1;
inline constexpr uint32_t kFlagPrimaryKey = 2;
inline constexpr uint32_t kFlagUnsigned = 0x20;

/// The character sets that TiDB knows, by their names.
class Charset {
 public:
  enum class Kind : uint8_t { kBinary, kAscii, kLatin1, kUtf8, kUtf8mb4, kGbk, kGb18030, kOther };

  constexpr Charset() = default;
  Charset(std::string_view name);                                        // NOLINT: meant to convert
  Charset(const std::string& name) : Charset(std::string_view(name)) {}  // NOLINT
  Charset(const char* name) : Charset(std::string_view(name)) {}         // NOLINT
  constexpr explicit Charset(Kind kind) : kind_(kind) {}
  Kind kind() const { return kind_; }
  std::string_view name() const;
  friend bool operator==(const Charset&, const Charset&) = default;

 private:
  Kind kind_ = Kind::kOther;
};

/// Type of a column. There are as many as there are columns, so it is kept small. Plain data;
/// `type` is the effective one (multi-valued index columns are JSON).
struct FieldType {
  ColumnType type = ColumnType::kUnspecified;
  Charset charset;       ///< "binary" tells BLOB from TEXT, BINARY from CHAR
  int16_t decimal = -1;  ///< digits after the point, fsp of times; -1 unspecified
  uint32_t flags = 0;
  int64_t flen = -1;                     ///< display or character length, -1 unspecified
  Rare<std::vector<std::string>> elems;  ///< members of ENUM and SET

  bool is_unsigned() const { return (flags & kFlagUnsigned) != 0; }
  bool is_not_null() const { return (flags & kFlagNotNull) != 0; }
  bool is_primary_key() const { return (flags & kFlagPrimaryKey) != 0; }
  /// CHAR, VARCHAR, the TEXTs and their binary kin.
  bool is_string() const {
    switch (type) {
      case ColumnType::kVarchar:
      case ColumnType::kVarString:
      case ColumnType::kString:
      case ColumnType::kTinyBlob:
      case ColumnType::kBlob:
      case ColumnType::kMediumBlob:
      case ColumnType::kLongBlob:
        return true;
      default:
        return false;
    }
  }
  /// BINARY, VARBINARY and the BLOBs: is_binary() says it of numbers as well.
  bool is_byte_string() const { return is_binary() && is_string(); }
  bool is_binary() const { return charset.kind() == Charset::Kind::kBinary; }
  /// Digits of fractional seconds, 0 to 6.
  uint8_t fsp() const {
    return decimal < 0 ? 0 : decimal > 6 ? uint8_t{6} : static_cast<uint8_t>(decimal);
  }
};

}  // namespace drainer::tidb
