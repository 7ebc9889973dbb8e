// The loopback protocol as a small model, explored exhaustively: every order of what users,
// drainers and operators do, a crash between any two steps. What is modelled is who writes what in
// which downstream transaction (spec/mysql-sink.md 3, loopback/README.md); rows and their values
// are not.

#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <catch2/catch.hpp>

namespace {

using Changes = uint8_t;                // a bit for each change of a user
constexpr Changes kOwnTables = 1 << 7;  // checkpoint and progress table
using Channels = uint8_t;               // a bit for each channel

/// One committed transaction of a cluster, as its binlog shows it.
struct Entry {
  Changes changes = 0;
  Channels marks = 0;
  bool is_ddl = false;
};

enum class Phase : uint8_t { kDown, kMarksSet, kIdle, kInTxn, kDdlNoted, kDdlDone };

struct Drainer {
  int from = 0;
  int to = 0;
  int channel = 0;
  bool sync_ddl = false;
  std::vector<int> channel_ids = {};  ///< further channels that stop here; others are handed on
};

/// What the drainers do; each switch turns one protection off.
struct Protocol {
  bool inserts_missing_mark = true;
  bool marks_inside_transaction = true;
  bool ignores_own_tables = true;
  bool deletes_marks_at_exit = false;
  bool hands_on_marks = true;   ///< where there are channel_ids
  bool groups_by_marks = true;  ///< a downstream transaction has the changes of one origin
};

struct World {
  int clusters = 2;
  std::vector<Drainer> drainers = {};
  std::vector<int> users = {};                     ///< cluster of each change
  std::vector<int> ddl_users = {};                 ///< and of each DDL
  std::vector<std::pair<int, int>> promised = {};  ///< what arises in .first arrives in .second
  int stops = 1;                                   ///< crashes, or exits, of all drainers together
  int mark_deletions = 1;                          ///< by people
  int checkpoints = 1;
  bool starts_up = false;  ///< all drainers run already
  Protocol protocol = {};
};

struct DrainerState {
  Phase phase = Phase::kDown;
  uint8_t progress = 0;      ///< kept downstream, written with the rows
  bool ddl_noted = false;    ///< likewise
  uint8_t next = 0;          ///< progress after the open transaction
  Changes changes = 0;       ///< of the open transaction
  Channels marks = 0;        ///< likewise
  bool may_be_done = false;  ///< a run before has noted the DDL
};

struct State {
  std::vector<std::vector<Entry>> logs;
  std::vector<Changes> held;        ///< per cluster: what it has got, from users or drainers
  std::vector<Channels> mark_rows;  ///< per cluster: channels whose mark row exists
  std::vector<DrainerState> drainers;
  Changes written = 0;  ///< what users have done so far
  uint8_t stops = 0;
  uint8_t mark_deletions = 0;
  uint8_t checkpoints = 0;

  std::string key() const {
    std::string out;
    const auto add = [&](int byte) { out.push_back(static_cast<char>(byte)); };
    for (const auto& log : logs) {
      add(static_cast<int>(log.size()));
      for (const Entry& entry : log) {
        add(entry.changes);
        add(entry.marks | (entry.is_ddl ? 0x80 : 0));
      }
    }
    for (const Changes changes : held) add(changes);
    for (const Channels channels : mark_rows) add(channels);
    for (const DrainerState& d : drainers) {
      add(static_cast<int>(d.phase) | (d.may_be_done ? 0x20 : 0) | (d.ddl_noted ? 0x40 : 0));
      add(d.marks);
      add(d.progress);
      add(d.next);
      add(d.changes);
    }
    for (const int count : {+written, +stops, +mark_deletions, +checkpoints}) add(count);
    return out;
  }
};

struct Outcome {
  size_t states = 0;
  size_t quiet = 0;       ///< states in which everything is done
  std::string violation;  ///< the steps that lead to it; empty when none is reachable
};

Changes bit(size_t number) {
  return static_cast<Changes>(1u << number);
}

// Walks through all reachable states, those near the start first.
class Explorer {
 public:
  explicit Explorer(World world) : world_(std::move(world)) {}

  Outcome run() {
    visit(initial_state(), "start");
    // visit() appends.
    for (current_ = 0; current_ < states_.size() && outcome_.violation.empty(); ++current_) {
      const State state = states_[current_];
      steps_of_people(state);
      for (size_t d = 0; d < world_.drainers.size(); ++d) steps_of_drainer(state, d);
      check_quiet(state);
    }
    outcome_.states = states_.size();
    return outcome_;
  }

 private:
  State initial_state() const {
    State state;
    const auto clusters = static_cast<size_t>(world_.clusters);
    state.logs.resize(clusters);
    state.held.resize(clusters);
    state.mark_rows.resize(clusters);
    state.drainers.resize(world_.drainers.size());
    if (!world_.starts_up) return state;
    for (size_t d = 0; d < world_.drainers.size(); ++d) {
      state.drainers[d].phase = Phase::kIdle;
      state.mark_rows[to(d)] |= channel(d);
    }
    return state;
  }

  size_t from(size_t d) const { return static_cast<size_t>(world_.drainers[d].from); }
  size_t to(size_t d) const { return static_cast<size_t>(world_.drainers[d].to); }
  Channels channel(size_t d) const { return bit(static_cast<size_t>(world_.drainers[d].channel)); }
  Channels stopping(size_t d) const {
    Channels out = channel(d);
    for (const int id : world_.drainers[d].channel_ids) out |= bit(static_cast<size_t>(id));
    return out;
  }

  // The marks that the changes of `entry` get downstream.
  Channels marks_for(const Entry& entry, size_t d) const {
    const bool hands_on = world_.protocol.hands_on_marks && !world_.drainers[d].channel_ids.empty();
    return hands_on && entry.marks != 0 ? entry.marks : channel(d);
  }

  void visit(State state, std::string step) {
    normalize(state);
    const auto [found, is_new] = known_.emplace(state.key(), states_.size());
    if (!is_new) return;
    states_.push_back(std::move(state));
    origins_.push_back({current_, std::move(step)});
  }

  void violated(const std::string& what, const std::string& step) {
    if (!outcome_.violation.empty()) return;
    std::string steps = step + "\n" + what;
    for (size_t i = current_; i != 0; i = origins_[i].first) {
      steps = origins_[i].second + "\n" + steps;
    }
    outcome_.violation = steps;
  }

  // What the filters of a drainer leave of a transaction: first the mark's, then the tables'.
  Changes passing(const Entry& entry, size_t d) const {
    if ((entry.marks & stopping(d)) != 0) return 0;
    if (entry.is_ddl && !world_.drainers[d].sync_ddl) return 0;
    const Changes ignored = world_.protocol.ignores_own_tables ? kOwnTables : 0;
    return entry.changes & static_cast<Changes>(~ignored);
  }
  bool passes(const Entry& entry, size_t d) const { return passing(entry, d) != 0; }

  // Reading past what is filtered touches nothing that others see, so it is done at once. (The
  // progress that is not written then is only read again after a crash.)
  void normalize(State& state) const {
    for (size_t d = 0; d < world_.drainers.size(); ++d) {
      DrainerState& drainer = state.drainers[d];
      const auto& log = state.logs[from(d)];
      if (drainer.phase != Phase::kIdle) continue;
      while (drainer.progress < log.size() && !passes(log[drainer.progress], d)) ++drainer.progress;
    }
  }

  bool is_locked(const State& state, size_t cluster, Channels marks) const {
    for (size_t d = 0; d < world_.drainers.size(); ++d) {
      const DrainerState& drainer = state.drainers[d];
      if (drainer.phase == Phase::kInTxn && to(d) == cluster && (drainer.marks & marks) != 0) {
        return true;
      }
    }
    return false;
  }

  void steps_of_people(const State& state) {
    const size_t rows = world_.users.size();
    for (size_t i = 0; i < rows + world_.ddl_users.size(); ++i) {
      if ((state.written & bit(i)) != 0) continue;
      const bool is_ddl = i >= rows;
      const auto cluster =
          static_cast<size_t>(is_ddl ? world_.ddl_users[i - rows] : world_.users[i]);
      State next = state;
      next.written |= bit(i);
      next.held[cluster] |= bit(i);
      next.logs[cluster].push_back({.changes = bit(i), .is_ddl = is_ddl});
      visit(std::move(next), fmt::format("user: change {} in {}", i, cluster));
    }
    if (state.mark_deletions == world_.mark_deletions) return;
    for (size_t d = 0; d < world_.drainers.size(); ++d) {
      if ((state.mark_rows[to(d)] & channel(d)) == 0 || is_locked(state, to(d), channel(d)))
        continue;
      State next = state;
      ++next.mark_deletions;
      next.mark_rows[to(d)] &= static_cast<Channels>(~channel(d));
      next.logs[to(d)].push_back({.marks = channel(d)});
      visit(std::move(next), fmt::format("someone deletes the marks in {}", to(d)));
    }
  }

  void steps_of_drainer(const State& state, size_t d) {
    const DrainerState& drainer = state.drainers[d];
    const std::string name = fmt::format("drainer {}->{}: ", from(d), to(d));
    if (drainer.phase != Phase::kDown && state.stops < world_.stops) stop(state, d, name);
    if (drainer.phase == Phase::kIdle && state.checkpoints < world_.checkpoints) {
      State next = state;
      ++next.checkpoints;
      next.logs[to(d)].push_back({.changes = kOwnTables});
      visit(std::move(next), name + "saves its checkpoint");
    }
    switch (drainer.phase) {
      case Phase::kDown: {
        if (is_locked(state, to(d), channel(d))) return;
        State next = state;
        next.drainers[d].phase = Phase::kMarksSet;
        next.mark_rows[to(d)] |= channel(d);
        next.logs[to(d)].push_back({.marks = channel(d)});
        return visit(std::move(next), name + "starts, sets up its marks");
      }
      case Phase::kMarksSet: {
        State next = state;
        next.drainers[d].phase = Phase::kIdle;
        next.logs[to(d)].push_back({.changes = kOwnTables});
        return visit(std::move(next), name + "takes over the progress");
      }
      case Phase::kIdle:
        return begin(state, d, name);
      case Phase::kInTxn:
        return commit(state, d, name);
      case Phase::kDdlNoted:
        return run_ddl(state, d, name);
      case Phase::kDdlDone:
        return finish_ddl(state, d, name);
    }
  }

  void stop(const State& state, size_t d, const std::string& name) {
    const DrainerState& drainer = state.drainers[d];
    State next = state;
    ++next.stops;
    next.drainers[d] = {.progress = drainer.progress, .ddl_noted = drainer.ddl_noted};
    if (world_.protocol.deletes_marks_at_exit && !is_locked(next, to(d), channel(d))) {
      next.mark_rows[to(d)] &= static_cast<Channels>(~channel(d));
      next.logs[to(d)].push_back({.marks = channel(d)});
    }
    visit(std::move(next), name + "stops");
  }

  // START TRANSACTION and `marks`. Which of them the transaction carries.
  Channels mark(State& next, size_t d, Channels marks) const {
    if (!world_.protocol.marks_inside_transaction) {
      next.logs[to(d)].push_back({.marks = marks});
      return 0;
    }
    Channels& rows = next.mark_rows[to(d)];
    if (world_.protocol.inserts_missing_mark) rows |= marks;
    return rows & marks;
  }

  void begin(const State& state, size_t d, const std::string& name) {
    const auto& log = state.logs[from(d)];
    size_t at = state.drainers[d].progress;
    if (at == log.size()) return;
    const Channels marks = log[at].is_ddl ? channel(d) : marks_for(log[at], d);
    if (is_locked(state, to(d), marks)) return;
    if (log[at].is_ddl) {
      State next = state;
      const Channels marked = mark(next, d, marks);
      next.logs[to(d)].push_back({.changes = kOwnTables, .marks = marked});
      next.drainers[d].phase = Phase::kDdlNoted;
      next.drainers[d].may_be_done = state.drainers[d].ddl_noted;
      next.drainers[d].ddl_noted = true;
      return visit(std::move(next), name + "notes a DDL");
    }
    // One upstream transaction, or several in one downstream transaction.
    Changes changes = 0;
    for (; at < log.size() && !(log[at].is_ddl && passes(log[at], d)); ++at) {
      if (!passes(log[at], d)) continue;
      if (world_.protocol.groups_by_marks && marks_for(log[at], d) != marks) return;
      changes |= passing(log[at], d);
      State next = state;
      DrainerState& drainer = next.drainers[d];
      drainer.phase = Phase::kInTxn;
      drainer.marks = mark(next, d, marks);
      drainer.next = static_cast<uint8_t>(at + 1);
      drainer.changes = changes;
      visit(std::move(next), fmt::format("{}begins with changes {:#x}", name, changes));
    }
  }

  void commit(const State& state, size_t d, const std::string& name) {
    State next = state;
    DrainerState& drainer = next.drainers[d];
    const std::string step = fmt::format("{}commits changes {:#x}", name, drainer.changes);
    const Changes changes = drainer.changes;
    if ((changes & kOwnTables) != 0) return violated("a drainer's own table is replicated", step);
    if ((changes & next.held[to(d)]) != 0) return violated("a change is sent again", step);
    next.held[to(d)] |= changes;
    next.logs[to(d)].push_back(
        {.changes = static_cast<Changes>(changes | kOwnTables), .marks = drainer.marks});
    drainer = {.phase = Phase::kIdle, .progress = drainer.next};
    visit(std::move(next), step);
  }

  void run_ddl(const State& state, size_t d, const std::string& name) {
    State next = state;
    DrainerState& drainer = next.drainers[d];
    const Changes change = state.logs[from(d)][drainer.progress].changes;
    drainer.phase = Phase::kDdlDone;
    if ((change & next.held[to(d)]) != 0) {
      if (!drainer.may_be_done) return violated("a DDL is sent again", name + "runs it");
    } else {
      next.held[to(d)] |= change;
      next.logs[to(d)].push_back({.changes = change, .is_ddl = true});
    }
    visit(std::move(next), name + "runs the DDL");
  }

  void finish_ddl(const State& state, size_t d, const std::string& name) {
    if (is_locked(state, to(d), channel(d))) return;
    State next = state;
    const Channels marked = mark(next, d, channel(d));
    next.logs[to(d)].push_back({.changes = kOwnTables, .marks = marked});
    next.drainers[d] = {.phase = Phase::kIdle,
                        .progress = static_cast<uint8_t>(state.drainers[d].progress + 1)};
    visit(std::move(next), name + "notes that the DDL is done");
  }

  // When all has been written and read, everything must be where it was promised.
  void check_quiet(const State& state) {
    const size_t changes = world_.users.size() + world_.ddl_users.size();
    if (state.written != static_cast<Changes>(bit(changes) - 1)) return;
    for (size_t d = 0; d < world_.drainers.size(); ++d) {
      const DrainerState& drainer = state.drainers[d];
      if (drainer.phase != Phase::kIdle || drainer.progress < state.logs[from(d)].size()) return;
    }
    ++outcome_.quiet;
    for (size_t i = 0; i < changes; ++i) {
      const size_t rows = world_.users.size();
      const int origin = i < rows ? world_.users[i] : world_.ddl_users[i - rows];
      for (const auto& [source, target] : world_.promised) {
        if (source != origin || (state.held[static_cast<size_t>(target)] & bit(i)) != 0) continue;
        violated(fmt::format("change {} is lost on its way to {}", i, target), "all is read");
      }
    }
  }

  const World world_;
  std::vector<State> states_;
  std::vector<std::pair<size_t, std::string>> origins_;  ///< state before, and the step
  std::unordered_map<std::string, size_t> known_;
  size_t current_ = 0;
  Outcome outcome_;
};

/// A pair as loopback/README.md sets it up.
World pair_of_clusters() {
  return {.clusters = 2,
          .drainers = {{.from = 0, .to = 1, .channel = 1, .sync_ddl = true},
                       {.from = 1, .to = 0, .channel = 1}},
          .users = {0, 1},
          .ddl_users = {0},
          .promised = {{0, 1}, {1, 0}}};
}

/// Each with each, all with one channel; what reads cluster 0 replicates DDL.
World mesh_of_three() {
  World world{.clusters = 3, .users = {0, 1}, .stops = 1, .checkpoints = 0, .starts_up = true};
  for (int from = 0; from < 3; ++from) {
    for (int to = 0; to < 3; ++to) {
      if (from == to) continue;
      world.drainers.push_back({.from = from, .to = to, .channel = 1, .sync_ddl = from == 0});
      world.promised.emplace_back(from, to);
    }
  }
  return world;
}

/// Each hands on to the next; a channel for each cluster. DDL is run in cluster 0.
World ring_of_three() {
  World world{.clusters = 3, .users = {0, 1}, .checkpoints = 0};
  for (int from = 0; from < 3; ++from) {
    const int to = (from + 1) % 3;
    world.drainers.push_back(
        {.from = from, .to = to, .channel = from, .sync_ddl = to != 0, .channel_ids = {to}});
  }
  for (int origin = 0; origin < 3; ++origin) {
    world.promised.emplace_back(origin, (origin + 1) % 3);
    world.promised.emplace_back(origin, (origin + 2) % 3);
  }
  return world;
}

/// Cluster 0 in the middle of two others; a channel for each cluster.
World star_of_three() {
  World world = ring_of_three();
  world.drainers.clear();
  for (int spoke = 1; spoke < 3; ++spoke) {
    world.drainers.push_back(
        {.from = 0, .to = spoke, .channel = 0, .sync_ddl = true, .channel_ids = {spoke}});
    world.drainers.push_back(
        {.from = spoke, .to = 0, .channel = spoke, .channel_ids = {0, 3 - spoke}});
  }
  world.starts_up = true;
  return world;
}

void check_holds(const World& world, size_t states_min) {
  const Outcome outcome = Explorer(world).run();
  INFO(outcome.states << " states, " << outcome.quiet << " quiet");
  CHECK(outcome.violation == "");
  CHECK(outcome.states > states_min);
  CHECK(outcome.quiet > 0);
}

std::string last_line(const std::string& text) {
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace

TEST_CASE("loopback model: in a pair nothing is sent back and nothing is lost") {
  World rows = pair_of_clusters();
  rows.ddl_users.clear();
  check_holds(rows, 10000);
  World with_ddl = pair_of_clusters();
  with_ddl.users = {};
  with_ddl.stops = 2;
  with_ddl.checkpoints = 0;
  check_holds(with_ddl, 10000);
}

TEST_CASE("loopback model: three clusters, each with each on one channel") {
  check_holds(mesh_of_three(), 10000);
  World with_ddl = mesh_of_three();
  with_ddl.users = {1};
  with_ddl.ddl_users = {0};
  check_holds(with_ddl, 10000);
}

TEST_CASE("loopback model: with channel-ids a ring of three passes all on, once round") {
  check_holds(ring_of_three(), 10000);
  World crashing = ring_of_three();
  crashing.users = {0};
  crashing.stops = 2;
  check_holds(crashing, 1000);
  World with_ddl = ring_of_three();
  with_ddl.users = {2};
  with_ddl.ddl_users = {0};
  with_ddl.starts_up = true;
  check_holds(with_ddl, 10000);
}

TEST_CASE("loopback model: with channel-ids a star passes all on from spoke to spoke") {
  World from_spokes = star_of_three();
  from_spokes.users = {1, 2};
  check_holds(from_spokes, 10000);
  check_holds(star_of_three(), 10000);
  World with_ddl = star_of_three();
  with_ddl.users = {1};
  with_ddl.ddl_users = {0};
  check_holds(with_ddl, 10000);
}

TEST_CASE("loopback model: a pair may give each side a channel, with channel-ids on both") {
  World world = pair_of_clusters();
  world.ddl_users.clear();
  world.drainers[0].channel_ids = {2};
  world.drainers[1].channel = 2;
  world.drainers[1].channel_ids = {1};
  check_holds(world, 10000);
}

TEST_CASE("loopback model: a line on one channel hands on one step, on two channels to its end") {
  World line{.clusters = 3,
             .drainers = {{.from = 0, .to = 1, .channel = 1}, {.from = 1, .to = 2, .channel = 1}},
             .users = {0, 1},
             .promised = {{0, 1}, {1, 2}}};
  check_holds(line, 1000);
  line.drainers[1].channel = 2;
  line.promised.emplace_back(0, 2);
  check_holds(line, 1000);
}

TEST_CASE("loopback model: each protection is needed") {
  struct Case {
    std::string without;
    World world;
    std::string violation;
  };
  std::vector<Case> cases;
  World world = pair_of_clusters();
  world.protocol.inserts_missing_mark = false;
  cases.push_back({"the guard of the mark", world, "a change is sent again"});
  world = pair_of_clusters();
  world.protocol.marks_inside_transaction = false;
  cases.push_back({"mark and rows in one transaction", world, "a change is sent again"});
  world = pair_of_clusters();
  world.protocol.ignores_own_tables = false;
  cases.push_back({"ignored own tables", world, "a drainer's own table is replicated"});
  world = pair_of_clusters();
  world.drainers[1].channel = 2;
  cases.push_back({"one channel", world, "a change is sent again"});
  world = pair_of_clusters();
  world.drainers[1].sync_ddl = true;
  cases.push_back({"DDL in one direction", world, "a DDL is sent again"});
  world = mesh_of_three();
  world.mark_deletions = 0;
  world.protocol.deletes_marks_at_exit = true;
  world.protocol.inserts_missing_mark = false;
  cases.push_back({"marks that stay at exit", world, "a change is sent again"});
  world = {.clusters = 3,
           .drainers = {{.from = 0, .to = 1, .channel = 1},
                        {.from = 1, .to = 2, .channel = 2},
                        {.from = 2, .to = 0, .channel = 3}},
           .users = {0}};
  cases.push_back({"channel-ids, a ring of several channels", world, "a change is sent again"});
  world = ring_of_three();
  world.protocol.hands_on_marks = false;
  cases.push_back({"the origin's mark", world, "a change is sent again"});
  world = ring_of_three();
  world.protocol.groups_by_marks = false;
  cases.push_back({"one origin in a transaction", world, "change 1 is lost on its way to 0"});
  world = ring_of_three();
  world.drainers[2].channel_ids = {1};
  cases.push_back({"the downstream's own channel", world, "a change is sent again"});
  world = star_of_three();
  world.users = {1, 2};
  world.drainers[1].channel_ids = {0};
  cases.push_back({"the channels that come by way of the hub", world, "a change is sent again"});
  for (const Case& c : cases) {
    INFO("without " << c.without);
    CHECK(last_line(Explorer(c.world).run().violation) == c.violation);
  }
}
