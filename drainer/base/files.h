#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "drainer/base/bytes.h"
#include "drainer/base/result.h"

/// Files as a whole, and what is on the disk for sure.
///
/// Errors are kUnavailable, "<action> <path>: <the system's text>", with errno as detail. Any
/// thread.
namespace drainer {

/// The error of the system call that has just failed.
Error file_error(std::string_view action, const std::string& path);

/// Appends all that can be read to `out`, up to the end or `bytes_max`. False: errno says why not.
[[nodiscard]] bool read_to_end(int fd, Bytes& out, size_t bytes_max = SIZE_MAX);
/// False: errno says why not all of it.
[[nodiscard]] bool write_all(int fd, ByteView bytes);

/// The bytes of a file, the first `bytes_max` of them where there are more.
Result<Bytes> read_file(const std::string& path, size_t bytes_max = SIZE_MAX);

/// Replaces the file in one step by what `write` puts into the descriptor: after a crash there is
/// the old content or the new. It is written beside, as `path`.tmp, and on the disk on return. An
/// error leaves the old file.
Result<void> replace_file(const std::string& path,
                          const std::function<Result<void>(int fd)>& write);

/// Makes new and removed names of `directory` durable; "" is the present one.
Result<void> sync_directory(const std::string& directory);

}  // namespace drainer
