#include "drainer/tidb/binlog_item.h"

#include "drainer/base/check.h"

namespace drainer::tidb {

Result<BinlogItem> BinlogItem::parse(Bytes buffer, size_t offset, size_t length) {
  CHECK(offset <= buffer.size() && length <= buffer.size() - offset, "{}+{} in {} bytes", offset,
        length, buffer.size());
  auto owned = std::make_unique<const Bytes>(std::move(buffer));
  const ByteView payload = ByteView(*owned).substr(offset, length);
  ASSIGN_OR_RETURN(const BinlogView view, parse_binlog(payload));
  return BinlogItem(std::move(owned), payload, view);
}

}  // namespace drainer::tidb
