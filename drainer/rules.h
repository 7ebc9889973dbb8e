#pragma once

#include "conf/options.h"
#include "drainer/base/result.h"
#include "syncer/syncer.h"

namespace drainer {

/// What the options let pass: filters, loopback control, DDL, the last commit ts. Left out are the
/// tables that drainers keep their progress in, into a database, and under loopback control all of
/// their own tables (loopback/README.md).
Result<SyncerRules> make_rules(const Options& options);

/// What the options say about DDL jobs that the schema meets.
void set_ddl_rules(const Options& options, schema::Schema& schema);

}  // namespace drainer
