#include "drainer/schema/schema_image.h"

#include <algorithm>

#include "drainer/schema/schema.h"

namespace drainer::schema {

namespace {

std::vector<DdlJobId> sorted(std::vector<DdlJobId> jobs) {
  std::ranges::sort(jobs);
  const auto doubles = std::ranges::unique(jobs);
  jobs.erase(doubles.begin(), doubles.end());
  return jobs;
}

}  // namespace

std::vector<DdlJobId> Schema::known_jobs() const {
  std::vector<DdlJobId> out = known_jobs_;
  for (const auto& [key, job] : pending_) out.push_back(key.second);
  return sorted(std::move(out));
}

SchemaImage Schema::image(CommitTs commit_ts) const {
  SchemaImage out;
  out.commit_ts = commit_ts;
  out.version = version_;
  for (const auto& [id, database] : databases_) out.databases.push_back({id, database.name});
  out.tables.reserve(tables_.size());
  for (const auto& [id, table] : tables_) out.tables.push_back({id, table.schema, table.version});
  for (const auto& [id, dropped] : dropped_databases_) {
    SchemaImage::DroppedDatabase& added = out.dropped_databases.emplace_back();
    added.id = id;
    added.finished_ts = dropped.finished_ts;
    for (const auto& [table, version] : dropped.tables)
      added.tables.push_back({table, id, version});
  }
  out.aliases.assign(aliases_.begin(), aliases_.end());
  out.gone.assign(gone_.begin(), gone_.end());
  out.early_effects.assign(early_effects_.begin(), early_effects_.end());
  out.done.assign(done_.begin(), done_.end());
  std::ranges::sort(out.done);
  out.known_jobs = sorted(known_jobs_);
  // What is pending is to be found again.
  std::unordered_set<DdlJobId> pending;
  for (const auto& [key, job] : pending_) pending.insert(key.second);
  std::erase_if(out.known_jobs, [&](DdlJobId id) { return pending.contains(id); });
  return out;
}

void Schema::restore(const SchemaImage& image) {
  version_ = image.version;
  for (const auto& database : image.databases) databases_[database.id].name = database.name;
  for (const auto& table : image.tables) {
    put_table(table.id, table.schema, table.version);
  }
  for (const auto& dropped : image.dropped_databases) {
    DroppedDatabase& added = dropped_databases_[dropped.id];
    added.finished_ts = dropped.finished_ts;
    for (const auto& table : dropped.tables) added.tables.emplace_back(table.id, table.version);
  }
  aliases_.insert(image.aliases.begin(), image.aliases.end());
  gone_.insert(image.gone.begin(), image.gone.end());
  early_effects_.insert(image.early_effects.begin(), image.early_effects.end());
  done_.insert(image.done.begin(), image.done.end());
  known_jobs_ = image.known_jobs;
}

}  // namespace drainer::schema
