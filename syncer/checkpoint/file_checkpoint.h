#pragma once

#include <string>

#include "drainer/base/file_descriptor.h"
#include "syncer/checkpoint/checkpoint.h"

namespace drainer {

/// The checkpoint as the TOML file `savepoint` (spec/drainer-process.md 4.6), for outputs without a
/// database. Replaced in one step and synced to the disk (FIX). One thread.
///
/// From the first use on it is locked, by `savepoint.lock` beside it: two drainers on one directory
/// would take each other's position for their own (FIX).
class FileCheckpoint final : public Checkpoint {
 public:
  explicit FileCheckpoint(std::string path) : path_(std::move(path)) {}

  /// Nothing when there is no file; kCorrupt when it is no TOML, kConflict when another has the
  /// lock.
  Result<std::optional<SavePoint>> load() override;
  Result<void> save(const SavePoint& point, const StopToken& stop) override;

 private:
  Result<void> lock();

  const std::string path_;
  FileDescriptor lock_;
};

}  // namespace drainer
