#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "conf/load.h"
#include "drainer/base/bytes.h"
#include "drainer/base/result.h"

/// Passwords that do not stand in the file as plain text. No error text holds a secret or a part of
/// one, and nothing here logs one.
namespace drainer::conf {

/// The AES key of `encrypted_password`: $BINLOG_SECRET_KEY in hex, else the original's built-in key
/// with a warning (spec/drainer-process.md 1.9).
Result<Bytes> secret_key(const Environment& environment);

/// The password in an `encrypted_password`:
///   standard base64 of: IV (16 bytes) '@' AES-CFB128(key, IV, password)
/// A wrong key gives rubbish, not an error. `key` has 16, 24 or 32 bytes.
Result<std::string> decrypt_password(std::string_view encrypted, ByteView key);

/// The first line of a file, without its end.
Result<std::string> password_from_file(const std::string& path);

/// The first line that `/bin/sh -c command` prints. Errors: it cannot start, fails, or takes longer
/// than 30 seconds.
Result<std::string> password_from_command(const std::string& command);

/// What of a setting may be shown in logs.
enum class Secrecy : uint8_t {
  kUrls,     ///< all but the passwords of URLs in it
  kAddress,  ///< it is one address, maybe without a scheme: all but its password
  kAll,      ///< whether it is empty
};
std::string shown_text(const std::string& value, Secrecy secrecy);

/// A setting of a library whose value must not be shown, to go by its name.
bool is_secret_property(std::string_view name);

}  // namespace drainer::conf
