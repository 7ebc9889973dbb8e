#include "tests/pair/campaign.h"

#include <memory>
#include <utility>

#include "tests/integration/table_dump.h"

namespace drainer::pair {

namespace {

constexpr int64_t kOwnRows = 300;
constexpr int64_t kSharedRows = 40;
constexpr Duration kUserPause = std::chrono::milliseconds(2);

const std::vector<std::string> kTables = {
    "create database pair", "create table pair.markers (origin int, number bigint)",
    "create table pair.ev (origin int, seq bigint, note varchar(40))",
    "create table pair.own (id bigint primary key, n bigint not null, note varchar(60))",
    "create table pair.shared (id bigint primary key, note varchar(60), written bigint not null)"};

const std::string kPolicy =
    "[[syncer.conflict]]\ndb-name = \"pair\"\ntbl-name = \"shared\"\npolicy = \"newest\"\n"
    "newest-by = \"written\"\n[syncer.apply]\nrecord-conflicts = true\n";

/// A user of one cluster: random transactions, one thread.
class User {
 public:
  User(const PairWorld& world, size_t cluster, const CampaignOptions& options)
      : session_(world.connect(cluster)),
        cluster_(static_cast<int64_t>(cluster)),
        clusters_(static_cast<int64_t>(world.clusters())),
        overlaps_(options.overlaps),
        random_(options.seed * 100 + static_cast<uint32_t>(cluster)) {}

  Result<void> run(Clock& clock, const StopToken& stop) {
    while (!stop.stop_requested()) {
      Result<void> done = write();
      if (!done.ok()) {
        // A deadlock with a drainer; nothing else may happen.
        const int32_t code = done.error().detail();
        if (code != 1213 && code != 1205) return done;
        TRY(session_->rollback());
        ++failed_;
      } else {
        ++sequence_;
      }
      clock.sleep_for(kUserPause * pick(4), stop);
    }
    return {};
  }

  int64_t transactions() const { return sequence_; }
  int64_t failed() const { return failed_; }

 private:
  int64_t pick(int64_t below) {
    return std::uniform_int_distribution<int64_t>(0, below - 1)(random_);
  }

  Result<void> write() {
    TRY(session_->execute("START TRANSACTION"));
    TRY(session_->execute(
        fmt::format("insert into pair.ev values ({}, {}, 'x')", cluster_, sequence_)));
    for (int64_t i = pick(4); i >= 0; --i) {
      TRY(session_->execute(overlaps_ && pick(6) == 0 ? shared_statement() : own_statement()));
    }
    TRY(session_->execute("COMMIT"));
    return {};
  }

  std::string own_statement() {
    const int64_t id = pick(kOwnRows) * clusters_ + cluster_;
    switch (pick(4)) {
      case 0:
        return fmt::format("replace into pair.own(id, n, note) values ({}, {}, 'r{}')", id,
                           pick(1000), sequence_);
      case 1:
        return fmt::format("update pair.own set n = n + 1, note = 'u{}' where id = {}", sequence_,
                           id);
      case 2:
        return fmt::format("delete from pair.own where id = {}", id);
      default:
        return fmt::format("insert ignore into pair.own(id, n, note) values ({}, 0, 'i{}')", id,
                           sequence_);
    }
  }

  /// Rows stay: a clock of the writer and the cluster's number make each version its own.
  std::string shared_statement() {
    const int64_t now_us = std::chrono::duration_cast<std::chrono::microseconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
    return fmt::format(
        "insert into pair.shared values ({}, 'c{}', {}) on duplicate key update "
        "note = if(written < values(written), values(note), note), "
        "written = greatest(written, values(written))",
        pick(kSharedRows), cluster_, now_us * clusters_ + cluster_);
  }

  const std::unique_ptr<mysql::Session> session_;
  const int64_t cluster_;
  const int64_t clusters_;
  const bool overlaps_;
  std::mt19937 random_;
  int64_t sequence_ = 0;
  int64_t failed_ = 0;
};

class Campaign {
 public:
  explicit Campaign(const CampaignOptions& options)
      : options_(options),
        random_(options.seed),
        world_({.topology = options.topology,
                .more = options.overlaps ? kPolicy : "",
                .sim_faults = options.cuts ? std::vector<std::string>{"pumps cut every 700"}
                                           : std::vector<std::string>{},
                .drainers = programs(options)}) {}

  CampaignResult run() {
    const auto admin = world_.connect(0);
    for (const std::string& sql : kTables) note(admin->execute(sql));
    world_.start_drainers();
    note(wait_for_tables());
    if (result_.problems.empty()) disturb(*admin);
    if (result_.problems.empty()) check();
    return result_;
  }

 private:
  static std::vector<std::string> programs(const CampaignOptions& options) {
    std::vector<std::string> out(options.topology.links.size());
    out[options.foreign_link] = options.foreign_drainer;
    return out;
  }

  bool is_foreign(size_t link) const {
    return !options_.foreign_drainer.empty() && link == options_.foreign_link;
  }

  template <class T>
  void note(const Result<T>& done) {
    if (!done.ok()) result_.problems.push_back(done.error().to_string());
  }

  size_t pick(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }

  Result<void> wait_for_tables() {
    const TimePoint deadline = clock_.now() + options_.quiet_limit;
    for (size_t i = 0; i < world_.clusters(); ++i) {
      const auto session = world_.connect(i);
      while (!session->query("select 1 from pair.shared").ok()) {
        if (const std::string failures = world_.look_after(); !failures.empty()) {
          return make_error(ErrorCode::kInternal, "{}", failures);
        }
        if (clock_.now() > deadline) {
          return make_error(ErrorCode::kTimeout, "no tables in cluster {}: {}", i,
                            world_.log(0).substr(0, 4000));
        }
        clock_.sleep_for(std::chrono::milliseconds(20), StopToken());
      }
    }
    return {};
  }

  void disturb(mysql::Session& admin) {
    std::vector<std::unique_ptr<User>> users;
    ThreadGroup threads;
    for (size_t i = 0; i < world_.clusters(); ++i) {
      users.push_back(std::make_unique<User>(world_, i, options_));
      threads.start(fmt::format("user:{}", i),
                    [this, user = users.back().get()](const StopToken& stop) {
                      return user->run(clock_, stop);
                    });
    }
    const TimePoint end = clock_.now() + options_.length;
    TimePoint next_ddl = clock_.now() + options_.length / 3;
    while (clock_.now() < end && result_.problems.empty() &&
           !threads.stop_token().stop_requested()) {
      clock_.sleep_for(std::chrono::milliseconds(100 + pick(400)), threads.stop_token());
      step();
      if (options_.ddl && clock_.now() > next_ddl) {
        next_ddl = clock_.now() + options_.length / 3;
        note(admin.execute(fmt::format(
            "alter table pair.own add column c{0} int not null default {0}", ++result_.ddls)));
      }
    }
    threads.request_stop();
    note(threads.wait());
    for (const auto& user : users) {
      result_.transactions += user->transactions();
      result_.failed += user->failed();
      sequences_.push_back(user->transactions());
    }
  }

  void step() {
    const size_t link = pick(world_.links());
    if (options_.cuts && pick(2) == 0 && !is_foreign(link)) {
      world_.cut_downstream(
          link, pick(2) == 0 ? fakes::TcpProxy::Cut::kAnswer : fakes::TcpProxy::Cut::kRequest);
      ++result_.cuts;
    } else if (options_.kills) {
      // Now and then in order: taken out, and in again.
      if (pick(8) == 0 || is_foreign(link)) {
        if (!world_.stop_drainer(link)) {
          const std::string log = world_.log(link);
          result_.problems.push_back(
              fmt::format("drainer {} does not stop: {}", link,
                          log.substr(log.size() > 6000 ? log.size() - 6000 : 0)));
        }
      } else {
        world_.kill_drainer(link);
      }
      world_.start_drainer(link);
      ++result_.kills;
    }
    if (const std::string failures = world_.look_after(); !failures.empty()) {
      result_.problems.push_back(failures);
    }
  }

  /// Waits until all is everywhere; and until what would still go round has gone round.
  void check() {
    const TimePoint deadline = clock_.now() + options_.quiet_limit;
    note(world_.pass_markers(deadline));
    if (!result_.problems.empty()) return;
    compare();
    while (!result_.problems.empty() && clock_.now() < deadline) {
      clock_.sleep_for(std::chrono::milliseconds(200), StopToken());
      result_.problems.clear();
      if (const std::string failures = world_.look_after(); !failures.empty()) {
        result_.problems.push_back(failures);
        return;
      }
      compare();
    }
    if (!result_.problems.empty()) return;
    for (int round = 0; round < 2; ++round) note(world_.pass_markers(deadline));
    compare();
    result_.restarts = world_.restarts();
    if (options_.overlaps) count_conflicts();
  }

  void compare() {
    result_.applied = 0;
    for (size_t i = 0; i < world_.clusters(); ++i) check_counts(i);
    const auto expected = dump(0);
    for (size_t i = 1; i < world_.clusters(); ++i) {
      for (const std::string& difference : integration::compare_dumps(expected, dump(i), 5)) {
        result_.problems.push_back(fmt::format("cluster {}: {}", i, difference));
      }
    }
  }

  void count_conflicts() {
    for (size_t i = 0; i < world_.clusters(); ++i) {
      const auto found = world_.value(i, "select count(*) from tidb_binlog.drainer_conflicts");
      note(found);
      if (found.ok()) result_.conflicts += std::stoll(*found);
    }
  }

  /// Each transaction of each user once.
  void check_counts(size_t cluster) {
    for (size_t origin = 0; origin < world_.clusters(); ++origin) {
      const std::string where = fmt::format(" from pair.ev where origin = {}", origin);
      const auto rows = world_.value(cluster, "select count(*)" + where);
      const auto distinct = world_.value(cluster, "select count(distinct seq)" + where);
      note(rows);
      note(distinct);
      if (!rows.ok() || !distinct.ok()) return;
      const std::string written = fmt::format("{}", sequences_[origin]);
      if (*rows != written || *distinct != written) {
        result_.problems.push_back(
            fmt::format("cluster {} has {} rows for {} of the {} transactions of cluster {}",
                        cluster, *rows, *distinct, written, origin));
      } else if (origin != cluster) {
        result_.applied += sequences_[origin];
      }
    }
  }

  std::string dump(size_t cluster) {
    const auto session = world_.connect(cluster);
    const auto found = integration::dump_tables(*session, {"pair"});
    note(found);
    return found.ok() ? *found : "";
  }

  const CampaignOptions options_;
  std::mt19937 random_;
  SystemClock clock_;
  PairWorld world_;
  std::vector<int64_t> sequences_;  ///< transactions of each cluster's user
  CampaignResult result_;
};

}  // namespace

std::string CampaignResult::to_string() const {
  std::string out = fmt::format(
      "{} transactions of users ({} more rolled back by deadlocks), {} applied elsewhere, {} "
      "kills, "
      "{} cuts, {} restarts after a cut, {} DDLs, {} conflicts: {}",
      transactions, failed, applied, kills, cuts, restarts, ddls, conflicts,
      problems.empty() ? "ok" : "FAILED");
  for (const std::string& problem : problems) out += "\n  " + problem;
  return out;
}

CampaignResult run_campaign(const CampaignOptions& options) {
  return Campaign(options).run();
}

}  // namespace drainer::pair
