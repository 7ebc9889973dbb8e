#pragma once

#include <vector>

#include "drainer/base/result.h"
#include "drainer/schema/byte_fields.h"
#include "drainer/schema/schema_image.h"

namespace drainer::schema {

// The parts of a SchemaImage as fields of records (schema_codec.h). take_…: anything malformed
// makes the reader fail or is an error; a value that is returned then means nothing. Pure.

void put_table(FieldWriter& out, const SchemaImage::Table& table);
Result<SchemaImage::Table> take_table(FieldReader& in);

void put_effect(FieldWriter& out, const DdlEffect& effect);
DdlEffect take_effect(FieldReader& in);

/// Sorted ids as their distances.
void put_jobs(FieldWriter& out, const std::vector<DdlJobId>& jobs);
void take_jobs(FieldReader& in, std::vector<DdlJobId>& jobs);

}  // namespace drainer::schema
