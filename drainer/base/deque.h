#pragma once

#include <boost/container/deque.hpp>

namespace drainer {

/// std::deque with blocks of 8 KiB. That of libstdc++ has blocks of 512 bytes, one for each element
/// of ours: an allocation in one thread and a release in another for all that passes through.
template <class T>
using Deque = boost::container::deque<
    T, void, boost::container::deque_options_t<boost::container::block_bytes<8192u>>>;

}  // namespace drainer
