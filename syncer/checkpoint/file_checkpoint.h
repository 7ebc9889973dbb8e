#pragma once

#include <string>

#include "syncer/checkpoint/checkpoint.h"

namespace drainer {

/// The checkpoint as the TOML file `savepoint` (spec/drainer-process.md 4.6), for outputs without a
/// database. Replaced in one step and synced to the disk (FIX). One thread.
class FileCheckpoint final : public Checkpoint {
 public:
  explicit FileCheckpoint(std::string path) : path_(std::move(path)) {}

  /// Nothing when there is no file; kCorrupt when it is no TOML.
  Result<std::optional<SavePoint>> load() override;
  Result<void> save(const SavePoint& point) override;

 private:
  const std::string path_;
};

}  // namespace drainer
