#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "conf/load.h"
#include "drainer/app.h"
#include "drainer/base/log.h"
#include "drainer/print_command.h"
#include "drainer/replay_command.h"

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::span rest(arguments.data() + !arguments.empty(),
                       arguments.size() - !arguments.empty());
  if (!arguments.empty() && arguments[0] == "replay") return drainer::replay_command(rest);
  if (!arguments.empty() && arguments[0] == "print") return drainer::print_command(rest);
  auto loaded = drainer::load_options(arguments, drainer::process_environment);
  if (!loaded.ok()) {
    drainer::log_fatal("verifying flags failed, See 'drainer --help'.",
                       {{"error", loaded.error()}});
    return 1;
  }
  if (const auto* print = std::get_if<drainer::PrintAndExit>(&*loaded)) {
    std::fputs(print->text.c_str(), print->to_stderr ? stderr : stdout);
    return print->code;
  }
  drainer::App app(std::get<drainer::Options>(std::move(*loaded)));
  return app.run();
}
