#pragma once

#include "drainer/cluster/key_codec.h"
#include "drainer/cluster/meta.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/cluster/fake_etcd.h"
#include "tests/unit/cluster/fake_kv.h"
#include "tests/unit/cluster/fake_pd.h"
#include "tests/unit/schema/jobs.h"

namespace drainer::testing {

/// TiDB's metadata in a fake TiKV.
struct JobWorld {
  fakes::FakeClock clock;
  fakes::FakePd pd{clock};
  fakes::FakeKv kv;
  fakes::FakeEtcd etcd;
  cluster::Meta meta{pd, kv, clock, &etcd};

  static Bytes job_key(int64_t id) {
    Bytes field;
    append_be64(field, static_cast<uint64_t>(id));
    return cluster::hash_field_key("DDLJobHistory", field);
  }
  void add(const JobSpec& job) {
    kv.pairs[job_key(job.id)] = job_json(job);
    kv.born[job_key(job.id)] = CommitTs(job.finished_ts + 1);
  }
  void set_database(int64_t schema, const std::string& name) {
    kv.pairs[cluster::hash_field_key("DBs", fmt::format("DB:{}", schema))] =
        fmt::format(R"({{"id":{},"db_name":{}}})", schema, name_json(name));
  }
  void set_table(int64_t schema, int64_t table, Bytes json) {
    kv.pairs[cluster::hash_field_key(fmt::format("DB:{}", schema),
                                     fmt::format("Table:{}", table))] = std::move(json);
  }
};

}  // namespace drainer::testing
