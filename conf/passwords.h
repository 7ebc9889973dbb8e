#pragma once

#include "conf/load.h"
#include "conf/problems.h"

namespace drainer::conf {

/// Brings the passwords of downstream and checkpoint to where they are used as plain text: out of
/// files, commands, `encrypted_password` and $MYSQL_PSWD.
void take_passwords(const Environment& environment, SyncerOptions& syncer, Problems& problems);

}  // namespace drainer::conf
