#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "drainer/base/bytes.h"
#include "drainer/base/result.h"

namespace drainer::tidb {

/// Walks one JSON document of TiDB from front to back and decodes only what is asked for.
///
/// As lenient as Go's encoding/json where TiDB needs it (spec/schema-and-ddl.md 1.1): `null` is the
/// zero value of everything, integers are exact, unknown members are skipped at the speed of a
/// scan. Errors stick: after the first one every read returns a zero value and every loop ends, so
/// only finish() needs to be looked at. Borrows the document. One thread.
class JsonReader {
 public:
  /// `what` names the document in errors and must outlive the reader.
  JsonReader(ByteView document, std::string_view what) : text_(document), what_(what) {}

  /// Calls on_member(key) for each member; it must read or skip the value. Nothing for null.
  /// `key` is valid until the next read.
  template <class OnMember>
  void read_object(OnMember on_member) {
    if (!enter('{')) return;
    std::string_view key;
    std::string unescaped;
    for (bool is_first = true; next_member(is_first, key, unescaped); is_first = false) {
      on_member(key);
    }
    leave();
  }

  /// Calls on_element() for each element; it must read or skip it. Nothing for null.
  template <class OnElement>
  void read_array(OnElement on_element) {
    if (!enter('[')) return;
    for (bool is_first = true; next_element(is_first); is_first = false) on_element();
    leave();
  }

  int64_t read_int64();
  uint64_t read_uint64();
  double read_double();
  bool read_bool();
  std::string read_string();
  /// A case-insensitive string's original spelling: {"O": …, "L": …} or a plain string.
  std::string read_ci_string();
  /// A Go []byte: standard base64 with padding; nothing for null.
  std::optional<Bytes> read_base64();

  void skip();
  /// Skips a value and returns its text; empty for null.
  ByteView read_raw();
  /// Consumes a null, if one is next.
  bool read_null();
  /// First character of the next value, 0 at the end.
  char peek();

  size_t offset() const { return at_; }
  void fail(std::string_view problem);
  /// kCorrupt with document and offset if anything was wrong, also text behind the document.
  Result<void> finish();

 private:
  bool enter(char bracket);
  void leave();
  bool next_member(bool is_first, std::string_view& key, std::string& unescaped);
  bool next_element(bool is_first);
  std::string_view scan_number();
  /// The bytes between the quotes, still escaped.
  std::string_view scan_string(bool& has_escapes);
  void unescape(std::string_view escaped, std::string& out);
  void skip_blanks();
  bool read_word(std::string_view word);

  ByteView text_;
  std::string_view what_;
  size_t at_ = 0;
  uint32_t depth_ = 0;
  std::optional<Error> error_;
};

}  // namespace drainer::tidb
