#pragma once

#include "drainer/cluster/key_codec.h"
#include "drainer/cluster/meta.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/cluster/fake_kv.h"
#include "tests/unit/cluster/fake_pd.h"
#include "tests/unit/schema/jobs.h"

namespace drainer::testing {

/// TiDB's metadata in a fake TiKV.
struct JobWorld {
  fakes::FakeClock clock;
  fakes::FakePd pd{clock};
  fakes::FakeKv kv;
  cluster::Meta meta{pd, kv, clock};

  static Bytes job_key(int64_t id) {
    Bytes field;
    append_be64(field, static_cast<uint64_t>(id));
    return cluster::hash_field_key("DDLJobHistory", field);
  }
  void add(const JobSpec& job) { kv.pairs[job_key(job.id)] = job_json(job); }
  void set_table(int64_t schema, int64_t table, Bytes json) {
    kv.pairs[cluster::hash_field_key(fmt::format("DB:{}", schema),
                                     fmt::format("Table:{}", table))] = std::move(json);
  }
};

}  // namespace drainer::testing
