#pragma once

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "drainer/base/bytes.h"
#include "tests/fakes/process.h"
#include "tests/integration/expected_messages.h"
#include "tests/integration/pipeline.h"

namespace drainer::integration {

/// How long a drainer may take to its end.
inline constexpr std::chrono::seconds kEndLimit{180};

/// A simulated cluster that plays the bundled capture, and drainers with one configuration that
/// write into files or Kafka. One thread.
class OutputRun {
 public:
  /// `to` are the lines of the table [syncer.to], and further tables.
  OutputRun(const std::string& db_type, const std::string& to,
            const std::vector<std::string>& upstream_options = {});

  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  const Capture& capture() const { return capture_; }
  /// The end of what all drainers have logged.
  std::string log() const;
  /// All lines with `text` in them.
  std::string log_lines(const std::string& text) const;

  /// From the capture's start, or the checkpoint, to its end. `prefix` is put before the command.
  std::unique_ptr<fakes::Process> start_drainer(std::vector<std::string> prefix = {});
  /// Every other moment below comes after the wait with which a drainer that reads back begins.
  void reads_back() { reads_back_ = true; }
  /// Starts a drainer and kills it at a moment anywhere in its run; `then` comes after.
  void kill_at_any_time(std::mt19937& random, const std::function<void()>& then);
  /// Starts a drainer and asks it to stop at such a moment: REQUIREs that it ends in order.
  void stop_at_any_time(std::mt19937& random);
  /// How many drainers did not get to the stream's end.
  int interrupted() const { return interrupted_; }
  /// One more drainer, to the end: REQUIREs exit code 0.
  void finish();

 private:
  Capture capture_ = Capture::bundled();
  fakes::TempDir directory_{"outputs"};
  /// The exit code.
  int start_and_signal(int signal, std::mt19937& random);

  std::unique_ptr<fakes::Process> upstream_;
  int interrupted_ = 0;
  bool reads_back_ = false;
};

/// For upstream_sim: such that the stream lasts longer than about so many kills.
std::string pace_for(int kills);

/// The payloads in the pb files of `directory`.
std::vector<Bytes> payloads_in(const std::string& directory);

/// What a consumer is left with that passes over what it knows: after a crash all behind the
/// checkpoint comes again, in order.
std::vector<Bytes> without_repeats(const std::vector<Bytes>& messages);

/// Fails with the first differing field.
using Decode = std::vector<std::string> (*)(ByteView);
void check_equal(const ExpectedMessages& expected, const std::vector<Bytes>& actual, Decode decode);

}  // namespace drainer::integration
