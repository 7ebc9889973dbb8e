#pragma once

#include <cstdint>

#include "tests/fakes/process.h"
#include "tests/integration/pipeline.h"

namespace drainer::integration {

/// A made-up capture of random transactions on small tables without any key, many equal rows among
/// them, in a directory of its own: a row written twice or not at all shows in the end.
class KeylessCapture {
 public:
  KeylessCapture(uint64_t seed, int transactions);

  Capture capture() const { return *Capture::open(directory_.path()); }

 private:
  fakes::TempDir directory_;
};

}  // namespace drainer::integration
