#pragma once

#include <optional>
#include <string>

#include "drainer/base/result.h"
#include "drainer/schema/schema_image.h"

namespace drainer::schema {

/// Where a drainer with this data directory keeps its schema.
std::string schema_store_path(const std::string& data_dir);

/// Puts the image into the file at `path`: a new file beside it, synced, then renamed. Blocks on
/// the disk.
Result<void> write_schema_store(const std::string& path, uint64_t cluster_id,
                                const SchemaImage& image);

/// Nothing when there is no file. kCorrupt when it is damaged, kConflict when it is of another
/// cluster.
Result<std::optional<SchemaImage>> read_schema_store(const std::string& path, uint64_t cluster_id);

}  // namespace drainer::schema
