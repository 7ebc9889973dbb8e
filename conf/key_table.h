#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "conf/options.h"
#include "conf/secret.h"

/// Every setting as one row of data; flags, file decoding, --help, suggestions for unknown keys,
/// the dump for the log and the test of drainer.toml.example all follow from it.
namespace drainer::conf {

/// A duration of the file in which a bare integer means days (spec/drainer-process.md 1.7).
struct DayDuration {
  std::chrono::nanoseconds value;
};

/// One of the four switches of -enable-x, -disable-x and their twins in the file.
struct SwitchSources {
  std::optional<bool> disable_flag;
  std::optional<bool> disable_file;
  std::optional<bool> enable_flag;
  std::optional<bool> enable_file;

  /// The first that is set, in this order.
  bool enabled() const;
};

/// Settings as given, before adjustment: Options, and what has another shape while loading.
struct Draft {
  Options options;

  std::string config_file;
  bool print_version = false;
  std::string log_rotate;  ///< accepted, ignored
  std::string ignore_schemas = "INFORMATION_SCHEMA,PERFORMANCE_SCHEMA,mysql";
  SwitchSources dispatch;
  SwitchSources detect;
  int64_t to_port = 0;
  int64_t checkpoint_port = 0;
  DayDuration read_timeout{std::chrono::minutes(1)};
  int32_t kafka_max_message_size = 1 << 30;
  std::optional<RowMismatchAction>
      on_row_mismatch;  ///< nothing: as loopback-control and rules want
};

/// Where a value goes; the alternative is its type. Nested tables name an Owner of their own.
template <class Owner>
using Field =
    std::variant<std::string& (*)(Owner&), bool& (*)(Owner&), int64_t& (*)(Owner&),
                 int32_t& (*)(Owner&), std::optional<bool>& (*)(Owner&),
                 std::optional<std::string>& (*)(Owner&), std::vector<std::string>& (*)(Owner&),
                 std::vector<int64_t>& (*)(Owner&), std::map<std::string, std::string>& (*)(Owner&),
                 std::chrono::nanoseconds& (*)(Owner&), DayDuration& (*)(Owner&),
                 std::optional<RowMismatchAction>& (*)(Owner&), UnknownDdlAction& (*)(Owner&),
                 ConflictAction& (*)(Owner&), FileSync& (*)(Owner&), KafkaProtocol& (*)(Owner&),
                 KafkaSpread& (*)(Owner&), std::vector<TablePattern>& (*)(Owner&),
                 std::vector<TableMigrateRule>& (*)(Owner&), std::vector<ConflictRule>& (*)(Owner&),
                 std::map<std::string, BinlogFilterRule>& (*)(Owner&)>;

/// The values that a number may have, both ends included; of a duration in nanoseconds.
struct Range {
  int64_t least = std::numeric_limits<int64_t>::min();
  int64_t largest = std::numeric_limits<int64_t>::max();
};

/// What most settings have not.
struct KeyTraits {
  Secrecy secrecy = Secrecy::kUrls;
  Range range = {};        ///< where the original gives a value no meaning, or crashes on it
  bool has_effect = true;  ///< false: taken so that old files and command lines go on working
};

/// One setting.
template <class Owner>
struct Key {
  std::string_view toml;          ///< dotted path in the file; empty: flag only
  std::string_view flag;          ///< empty: file only
  std::string_view default_text;  ///< as TOML; empty: absent, or computed
  std::string_view help;          ///< one sentence, for --help and drainer.toml.example
  Field<Owner> field;
  KeyTraits traits = {};
};

/// All settings; those of one TOML table stand together, inner tables after their outer one.
std::span<const Key<Draft>> keys();

/// What messages call a setting: its path in the file, else its flag with a dash.
std::string full_name(const Key<Draft>& key);

/// The row of a flag, or null.
const Key<Draft>* find_flag(std::string_view name);

}  // namespace drainer::conf
