#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "conf/options.h"

/// The settings that are one of a few texts: a table per enum, read in both directions.
namespace drainer::conf {

template <class Enum>
struct Choice {
  std::string_view text;
  Enum value;
};

/// The texts of `Enum`, in the order in which a refusal lists them.
template <class Enum>
struct Choices;

template <class Enum>
concept IsChoice = requires { Choices<Enum>::kAll; };

template <>
struct Choices<RowMismatchAction> {
  static constexpr Choice<RowMismatchAction> kAll[] = {{"warn", RowMismatchAction::kWarn},
                                                       {"stop", RowMismatchAction::kStop}};
};
template <>
struct Choices<UnknownDdlAction> {
  static constexpr Choice<UnknownDdlAction> kAll[] = {{"stop", UnknownDdlAction::kStop},
                                                      {"pass", UnknownDdlAction::kPass},
                                                      {"skip", UnknownDdlAction::kSkip}};
};
template <>
struct Choices<ConflictAction> {
  static constexpr Choice<ConflictAction> kAll[] = {{"overwrite", ConflictAction::kOverwrite},
                                                    {"stop", ConflictAction::kStop},
                                                    {"keep", ConflictAction::kKeep},
                                                    {"newest", ConflictAction::kNewest}};
};
template <>
struct Choices<FileSync> {
  static constexpr Choice<FileSync> kAll[] = {{"never", FileSync::kNever},
                                              {"checkpoint", FileSync::kCheckpoint},
                                              {"transaction", FileSync::kTransaction}};
};
template <>
struct Choices<KafkaProtocol> {
  static constexpr Choice<KafkaProtocol> kAll[] = {{"binlog", KafkaProtocol::kBinlog},
                                                   {"canal-json", KafkaProtocol::kCanalJson},
                                                   {"debezium", KafkaProtocol::kDebezium}};
};
template <>
struct Choices<KafkaSpread> {
  static constexpr Choice<KafkaSpread> kAll[] = {{"none", KafkaSpread::kNone},
                                                 {"table", KafkaSpread::kTable},
                                                 {"primary-key", KafkaSpread::kPrimaryKey},
                                                 {"transaction", KafkaSpread::kTransaction}};
};

/// Nothing for a text that is none of them.
template <IsChoice Enum>
std::optional<Enum> find_choice(std::string_view text) {
  const auto* found = std::ranges::find(Choices<Enum>::kAll, text, &Choice<Enum>::text);
  if (found == std::end(Choices<Enum>::kAll)) return std::nullopt;
  return found->value;
}

template <IsChoice Enum>
std::string_view name_of(Enum value) {
  const auto* found = std::ranges::find(Choices<Enum>::kAll, value, &Choice<Enum>::value);
  return found == std::end(Choices<Enum>::kAll) ? "" : found->text;
}

/// "a, b or c"
template <IsChoice Enum>
std::string names_of() {
  std::string out;
  for (const Choice<Enum>& choice : Choices<Enum>::kAll) {
    if (&choice != std::begin(Choices<Enum>::kAll)) {
      out += &choice + 1 == std::end(Choices<Enum>::kAll) ? " or " : ", ";
    }
    out += choice.text;
  }
  return out;
}

}  // namespace drainer::conf
