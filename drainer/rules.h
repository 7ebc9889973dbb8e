#pragma once

#include "conf/options.h"
#include "drainer/base/result.h"
#include "syncer/syncer.h"

namespace drainer {

/// What the options let pass: filters, loopback control, DDL, the last commit ts. The tables of
/// drainers themselves are left out under loopback control, with a warning (loopback/README.md).
Result<SyncerRules> make_rules(const Options& options);

/// What the options say about DDL jobs that the schema meets.
void set_ddl_rules(const Options& options, schema::Schema& schema);

}  // namespace drainer
