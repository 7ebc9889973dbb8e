#pragma once

#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "drainer/base/bytes.h"
#include "drainer/base/reverse_writer.h"
#include "syncer/file/record.h"
#include "syncer/relay/record_chain.h"
#include "syncer/txn.h"

namespace drainer::integration {

/// A file's content with `txns`, as `messages`, of pb files or relay logs, writes them.
template <class MessageWriter>
Bytes record_content(MessageWriter& messages, const std::vector<Txn>& txns) {
  Bytes content;
  for (const Txn& txn : txns) {
    ReverseWriter out;
    REQUIRE(messages.put(out, txn).ok());
    file::append_record(content, out.view());
  }
  return content;
}

/// Of a relay log, whose records name the ones before; the first one `previous`.
template <class MessageWriter>
Bytes chained_content(MessageWriter& messages, const std::vector<Txn>& txns, CommitTs previous) {
  Bytes content;
  for (const Txn& txn : txns) {
    ReverseWriter out;
    relay::put_previous_ts(out, std::exchange(previous, txn.commit_ts));
    REQUIRE(messages.put(out, txn).ok());
    file::append_record(content, out.view());
  }
  return content;
}

}  // namespace drainer::integration
