// What a run at debug level shows, and what it must not: the log follows the grammar of the
// original's, and no password is in it, on /metrics, in the process list or in an error.

#include <csignal>

#include "tests/fakes/log_grammar.h"
#include "tests/integration/pipeline.h"

#include <catch2/catch.hpp>

using namespace drainer;
using integration::Capture;
using integration::Pipeline;

namespace {

// Base64 of IV 00…0f, '@' and "123456" under the built-in key (spec/drainer-process.md 1.9).
const std::string kEncrypted = "AAECAwQFBgcICQoLDA0OD0AQo3le16c=";

// One way to give the password of the downstream, and what may not be seen of it.
struct Way {
  const char* name;
  std::string password;
  Pipeline::Config config;
  std::vector<std::string> secrets;
};

// The arguments of all drainers that run, and of what they have started.
std::string process_list() {
  const fakes::TempDir directory("ps");
  const std::string out = directory.path() + "/out";
  fakes::Process::start(
      {"/bin/sh", "-c",
       "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f; echo; done 2>/dev/null "
       "| grep -e bin/drainer -e PASSWORD_COMMAND"},
      out)
      ->wait(std::chrono::seconds(240));
  return fakes::read_file(out);
}

void check_hidden(const std::string& where, const std::string& text,
                  const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    INFO(where << " shows " << secret);
    CHECK(text.find(secret) == std::string::npos);
  }
}

}  // namespace

TEST_CASE("secrets: a debug log parses, and shows none of them, however they are given") {
  const fakes::TempDir directory("secrets");
  const std::string file = directory.path() + "/password";
  fakes::write_file(file, "from-a-file-42\n");
  const auto config = [](const std::string& to, const std::string& password = "") {
    Pipeline::Config out;
    out.user = "hidden";
    out.password = password;
    out.to = to;
    out.top = "log-level = \"DEBUG\"\n";
    return out;
  };
  std::vector<Way> ways = {
      {"plain", "Zq7x \\\"in quotes\\\"", config("", "Zq7x \\\"in quotes\\\""), {"Zq7x"}},
      {"encrypted", "123456", config("encrypted_password = \"" + kEncrypted + "\""), {kEncrypted}},
      {"file",
       "from-a-file-42",
       config("secret.password-file = \"" + file + "\""),
       {"from-a-file-42"}},
      {"command",
       "from-a-command-42",
       config("secret.password-command = \"echo from-a-command-42\""),
       {"from-a-command-42"}},
  };
  // Where others may hide: a checkpoint's own password, the user part of a URL.
  for (Way& way : ways) {
    way.config.top +=
        "MetricsAddr = \"http://pusher:push-secret@127.0.0.1:1\"\nMetricsInterval = 1";
    way.config.to += "\n[syncer.to.checkpoint]\npassword = \"unused-42\"";
    way.secrets.insert(way.secrets.end(), {"push-secret", "unused-42"});
  }
  for (const Way& way : ways) {
    INFO(way.name);
    Pipeline pipeline(Capture::bundled());
    std::string password;
    for (const char c : way.password) password += c == '\\' ? std::string() : std::string(1, c);
    REQUIRE(
        pipeline.downstream()
            .execute("create or replace user 'hidden'@'127.0.0.1' identified by '" + password + "'")
            .ok());
    REQUIRE(pipeline.downstream().execute("grant all on *.* to 'hidden'@'127.0.0.1'").ok());
    pipeline.start_upstream();
    pipeline.write_config(way.config);
    pipeline.start_drainer({"-initial-commit-ts", pipeline.capture().from_ts});
    const bool reached = pipeline.wait_for_end_of_capture();
    INFO(pipeline.drainer_log());
    REQUIRE(reached);
    REQUIRE(pipeline.wait_until([&] {
      return pipeline.drainer_log().find("push metrics to Prometheus Pushgateway failed") !=
             std::string::npos;
    }));
    const std::string processes = process_list();
    CHECK_THAT(processes, Catch::Contains(pipeline.directory()));
    check_hidden("the process list", processes, way.secrets);
    check_hidden("/metrics", pipeline.ask_drainer("GET", "/metrics"), way.secrets);
    pipeline.drainer().send_signal(SIGTERM);
    REQUIRE(pipeline.wait_for_drainer() == 0);

    std::vector<std::string> strange;
    const auto lines = fakes::parse_log(pipeline.drainer_log(), strange);
    CHECK(strange == std::vector<std::string>());
    CHECK(lines.size() > 20);
    check_hidden("the log", pipeline.drainer_log(), way.secrets);
    // Seen from inside too: quoting may hide a secret from a search.
    for (const fakes::LogLine& line : lines) {
      check_hidden(line.message, line.message, way.secrets);
      for (const auto& [key, value] : line.fields) check_hidden(key, value, way.secrets);
    }
  }
}

TEST_CASE("secrets: errors about them do not show them") {
  struct Case {
    const char* to;
    std::string secret;
    const char* sentence;
  };
  const Case cases[] = {
      {"password = unquoted-42", "unquoted-42", "toml: line"},
      {"password = 4242424242", "4242424242", "incompatible types"},
      {"pasword = \"misspelt-42\"", "misspelt-42", "syncer.to.pasword"},
      {"encrypted_password = \"bm90IGEgY2lwaGVy\"", "bm90IGEgY2lwaGVy", "ciphertext not valid"},
      {"encrypted_password = \"broken-42!\"", "broken-42", "base 64 failed to decode"},
      {"secret.password-command = \"echo hushed-42; false\"", "hushed-42", "exit status 1"},
      {"password = \"wrong-42\"", "wrong-42", "Access denied"},
  };
  for (const Case& c : cases) {
    INFO(c.to);
    Pipeline pipeline(Capture::bundled());
    pipeline.start_upstream();
    Pipeline::Config config;
    config.password = "";
    config.to = c.to;
    pipeline.write_config(config);
    pipeline.start_drainer_over_capture();
    CHECK(pipeline.wait_for_drainer() == 1);
    const std::string log = pipeline.drainer_log();
    INFO(log);
    CHECK_THAT(log, Catch::Contains(c.sentence));
    CHECK(log.find(c.secret) == std::string::npos);
  }
}
