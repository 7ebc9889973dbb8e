#include "drainer/base/check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "drainer/base/log.h"
#include "drainer/base/result.h"

// Catch's own CHECK replaces ours from here on.
namespace {

void fail_a_check() {
  CHECK(1 > 2, "{} is not above {}", 1, 2);
}

}  // namespace

#include <catch2/catch.hpp>

#include "tests/fakes/process.h"

using namespace drainer;

namespace {

struct End {
  int signal = 0;
  std::string errors;  ///< what it wrote to standard error
  std::string log;
};

// `body` in a process of its own, with a log file.
End run_apart(const std::function<void()>& body) {
  const fakes::TempDir directory("check");
  const std::string errors = directory.path() + "/errors";
  const std::string log = directory.path() + "/drainer.log";
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGABRT, SIG_DFL);  // Catch's would report a failed test.
    const int fd = ::open(errors.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ::dup2(fd, STDERR_FILENO);
    if (!open_log({.file = log}).ok()) ::_exit(1);
    body();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return {.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
          .errors = fakes::read_file(errors),
          .log = fakes::read_file(log)};
}

}  // namespace

TEST_CASE("check: the last word stands in the log and on standard error") {
  const End end = run_apart([] { fail_a_check(); });
  CHECK(end.signal == SIGABRT);
  CHECK_THAT(end.errors, Catch::Contains("CHECK(1 > 2) failed: 1 is not above 2\n"));
  CHECK_THAT(end.log, Catch::Matches(".*\\[FATAL\\] \\[check_test\\.cpp:\\d+\\] "
                                     "\\[\"CHECK\\(1 > 2\\) failed: 1 is not above 2\"\\]\\n"));
}

TEST_CASE("check: reading the wrong half of a result is one") {
  struct Case {
    const char* name;
    std::function<void()> read;
    const char* text;
  };
  const Case cases[] = {
      {"value of a failure", [] { (void)Result<int>(Error(ErrorCode::kInvalid, "odd")).value(); },
       "value of a failed result: odd"},
      {"error of a value", [] { (void)Result<int>(1).error(); }, "error of a result that is well"},
      {"error of nothing", [] { (void)Result<void>().error(); }, "error of a result that is well"},
      {"moved error of nothing",
       [] {
         Result<void> result;
         const Error error = std::move(result).error();
       },
       "error of a result that is well"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    const End end = run_apart(c.read);
    CHECK(end.signal == SIGABRT);
    CHECK_THAT(end.errors, Catch::Contains(c.text));
    CHECK_THAT(end.log, Catch::Contains(c.text));
  }
}
