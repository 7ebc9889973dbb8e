#pragma once

#include <memory>

#include "conf/options.h"
#include "drainer/base/clock.h"
#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "drainer/base/threads.h"
#include "drainer/cluster/etcd.h"
#include "drainer/cluster/meta.h"
#include "drainer/cluster/pd.h"
#include "drainer/cluster/registry.h"
#include "drainer/cluster/tikv.h"
#include "drainer/rpc/tls.h"

namespace drainer {

/// TLS towards PD, pumps and TiKV, and of the own port; nothing when `[security]` is empty.
Result<std::shared_ptr<const rpc::TlsContext>> open_tls(const SecurityOptions& security);

/// The clients of the cluster that is drained. Any thread. Members are in the order of their use.
struct Upstream {
  std::unique_ptr<cluster::PdClient> pd;
  CommitTs started_at;  ///< PD's time when it was opened
  std::unique_ptr<cluster::EtcdClient> etcd;
  std::unique_ptr<cluster::Registry> registry;
  std::unique_ptr<cluster::KvClient> kv;
  std::unique_ptr<cluster::Meta> meta;

  /// Finds PD's leader and asks it for the time.
  static Result<std::unique_ptr<Upstream>> open(const Options& options,
                                                std::shared_ptr<const rpc::TlsContext> tls,
                                                Clock& clock, const StopToken& stop);
};

}  // namespace drainer
