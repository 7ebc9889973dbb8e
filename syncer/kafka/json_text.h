#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "drainer/base/bytes.h"
#include "drainer/base/go_json.h"
#include "drainer/tidb/digits.h"

namespace drainer::kafka {

// Pieces of JSON text, appended; append_json_string() is another. Pure.

/// A string of bytes, each taken for the character of its number (ISO 8859-1).
void append_json_latin1(std::string& out, ByteView bytes);
/// A string of the bytes in base64.
void append_json_base64(std::string& out, ByteView bytes);

/// The shortest digits that give the number again, never with an exponent; of a single-precision
/// number those that its 32 bits need.
void append_plain_double(std::string& out, double value, bool is_single);

/// The members of a JSON object: `member(name)` puts comma and name. One thread.
class JsonObject {
 public:
  explicit JsonObject(std::string& out) : out_(out) { out_ += '{'; }
  std::string& member(std::string_view name) {
    if (!is_first_) out_ += ',';
    is_first_ = false;
    append_json_string(out_, name);
    out_ += ':';
    return out_;
  }
  void string(std::string_view name, std::string_view text) {
    append_json_string(member(name), text);
  }
  template <class Integer>
  void number(std::string_view name, Integer value) {
    tidb::append_integer(member(name), value);
  }
  /// true, false, null or what is JSON already.
  void raw(std::string_view name, std::string_view json) { member(name) += json; }
  void end() { out_ += '}'; }

 private:
  std::string& out_;
  bool is_first_ = true;
};

}  // namespace drainer::kafka
