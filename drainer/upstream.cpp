#include "drainer/upstream.h"

#include "drainer/base/log.h"

namespace drainer {

Result<std::shared_ptr<const rpc::TlsContext>> open_tls(const SecurityOptions& security) {
  rpc::TlsOptions options{.ca_file = security.ssl_ca,
                          .cert_file = security.ssl_cert,
                          .key_file = security.ssl_key,
                          .allowed_common_names = security.cert_allowed_cn};
  if (!options.enabled()) return std::shared_ptr<const rpc::TlsContext>();
  return rpc::TlsContext::open(std::move(options));
}

Result<std::unique_ptr<Upstream>> Upstream::open(const Options& options,
                                                 std::shared_ptr<const rpc::TlsContext> tls,
                                                 Clock& clock, const StopToken& stop) {
  auto out = std::make_unique<Upstream>();
  // KEEP: PD and TiKV may have any name; etcd, on PD's port, and the pumps are asked for theirs.
  SecurityOptions any_name = options.security;
  any_name.cert_allowed_cn.clear();
  ASSIGN_OR_RETURN(const std::shared_ptr<const rpc::TlsContext> any_tls, open_tls(any_name));
  cluster::PdOptions pd_options;
  pd_options.urls = options.pd_url_list;
  pd_options.tls = any_tls;
  pd_options.discovery_attempts = 30;
  ASSIGN_OR_RETURN(out->pd, cluster::PdClient::open(pd_options, clock, stop));
  log_info("get cluster id from pd", {{"id", out->pd->cluster_id()}});
  ASSIGN_OR_RETURN(out->started_at, out->pd->tso(stop));
  cluster::EtcdOptions etcd_options{.endpoints = [pd = out->pd.get()] { return pd->member_urls(); },
                                    .tls = std::move(tls),
                                    .timeout = options.etcd_timeout,
                                    .channels = {}};
  out->etcd = cluster::EtcdClient::create(std::move(etcd_options), clock);
  out->registry = std::make_unique<cluster::Registry>(*out->etcd);
  out->kv = cluster::KvClient::create(*out->pd, any_tls, clock);
  out->meta = std::make_unique<cluster::Meta>(*out->pd, *out->kv, clock, out->etcd.get());
  return out;
}

}  // namespace drainer
