#include "tests/upstream/row_shift.h"

namespace drainer::upstream {

RowShift::RowShift(const Capture& capture) {
  (void)capture;
}

bool RowShift::can_move(const Record& record) const {
  (void)record;
  return tables_.size() > 0 && stride_ > 0;
}

Bytes RowShift::move(const Record& record, int64_t ts_shift, int64_t repetition) const {
  (void)ts_shift;
  (void)repetition;
  return Bytes(record.payload);
}

}  // namespace drainer::upstream
