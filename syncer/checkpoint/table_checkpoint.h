#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "drainer/base/clock.h"
#include "syncer/checkpoint/checkpoint.h"
#include "syncer/mysql/session/session.h"  // the one include between siblings: this checkpoint is a table

namespace drainer {

/// The checkpoint as a row of a table in a MySQL or TiDB server (spec/drainer-process.md 4.2), its
/// statements byte for byte those of the Go program. One thread.
class TableCheckpoint final : public Checkpoint {
 public:
  struct Location {
    mysql::SessionOptions session;
    std::string schema;
    std::string table;
    /// 0: take the only row of the table, for recovery without PD.
    uint64_t cluster_id = 0;
  };

  /// Creates schema and table if need be. With cluster id 0: kNotFound for an empty table, kInvalid
  /// "there are multi row in checkpoint table" for several rows.
  static Result<std::unique_ptr<TableCheckpoint>> open(Location location, Clock& clock);

  Result<std::optional<SavePoint>> load() override;
  /// Tries 5 times, a second apart.
  Result<void> save(const SavePoint& point, const StopToken& stop) override;
  uint64_t cluster_id() const override { return location_.cluster_id; }

 private:
  TableCheckpoint(Location location, std::unique_ptr<mysql::Session> session, Clock& clock)
      : location_(std::move(location)), session_(std::move(session)), clock_(clock) {}

  Result<void> find_cluster_id();
  Result<void> try_save(const std::string& sql_before, const std::string& json);
  std::string name() const { return location_.schema + "." + location_.table; }

  Location location_;
  std::unique_ptr<mysql::Session> session_;  ///< null after a failure
  Clock& clock_;
};

}  // namespace drainer
