#include "drainer/server/handlers.h"

#include <catch2/catch.hpp>

namespace drainer::server {

namespace {

// A node whose state the test sets, and what was asked of it.
struct Node {
  std::string state = "online";
  int pauses = 0;
  int closes = 0;

  Handlers handlers() {
    return Handlers("node-1:8249", {.status = [] { return Status{}; },
                                    .commit_ts = [] { return CommitTs(7); },
                                    .state = [this] { return state; },
                                    .on_pause = [this] { ++pauses; },
                                    .on_close = [this] { ++closes; },
                                    .notify = nullptr});
  }
  HttpAnswer ask(std::string_view method, std::string_view target) {
    return handlers().answer({.method = method, .target = target});
  }
};

}  // namespace

TEST_CASE("handlers: known paths take their own method only") {
  struct Case {
    const char* method;
    const char* target;
    int status;
  };
  const Case cases[] = {
      {"GET", "/status", 200},
      {"GET", "/status?x=1", 200},
      {"GET", "http://host:1/status", 200},
      {"GET", "/%73tatus", 200},
      {"HEAD", "/status", 405},
      {"POST", "/status", 405},
      {"GET", "/commit_ts", 200},
      {"PUT", "/commit_ts", 405},
      {"GET", "/metrics", 200},
      {"POST", "/metrics", 200},
      {"PUT", "/state/node-1:8249/pause", 200},
      {"GET", "/state/node-1:8249/pause", 405},
      {"GET", "/", 404},
      {"GET", "/status/", 404},
      {"GET", "/Status", 404},
      {"PUT", "/state", 404},
      {"PUT", "/state/a", 404},
      {"PUT", "/state/a/", 404},
      {"PUT", "/state/a/b/c", 404},
      {"GET", "/debug/pprof/", 404},
      {"GET", "http://host", 404},
      {"GET", "/%zz", 400},
      {"GET", "/%7", 400},
      {"OPTIONS", "*", 400},
  };
  for (const Case& c : cases) {
    INFO(c.method << " " << c.target);
    CHECK(Node().ask(c.method, c.target).status == c.status);
  }
}

TEST_CASE("handlers: a path that is not clean is answered with the clean one") {
  const std::pair<const char*, const char*> cases[] = {
      {"//status", "/status"},     {"/./status?a=b", "/status?a=b"},
      {"/x/../status", "/status"}, {"/../status", "/status"},
      {"/a//b/", "/a/b/"},         {"/a/.", "/a"},
      {"//a%20b", "/a%20b"},
  };
  for (const auto& [target, location] : cases) {
    INFO(target);
    const HttpAnswer answer = Node().ask("GET", target);
    CHECK(answer.status == 301);
    REQUIRE(answer.fields.size() == 1);
    CHECK(answer.fields[0] == std::pair<std::string, std::string>("Location", location));
    CHECK(answer.body.empty());
  }
}

TEST_CASE("handlers: pause and close are passed on and answered at once") {
  Node node;
  CHECK(node.ask("PUT", "/state/node-1:8249/pause").body ==
        action_document("apply action pause success!", true));
  CHECK(node.pauses == 1);
  CHECK(node.ask("PUT", "/state/node-1%3A8249/close").body ==
        action_document("apply action close success!", true));
  CHECK(node.closes == 1);
}

TEST_CASE("handlers: an action is refused for another node, another state, another action") {
  Node node;
  CHECK(node.ask("PUT", "/state/other/pause").body ==
        action_document("invalid nodeID other, this pump's nodeID is node-1:8249", false));
  CHECK(node.ask("PUT", "/state/node-1:8249/resume").body ==
        action_document("invalid action resume", false));
  node.state = "pausing";
  CHECK(node.ask("PUT", "/state/other/resume").body ==
        action_document("invalid nodeID other, this pump's nodeID is node-1:8249", false));
  CHECK(node.ask("PUT", "/state/node-1:8249/resume").body ==
        action_document("this pump's state is pausing, apply resume failed!", false));
  CHECK(node.ask("PUT", "/state/node-1:8249/pause").body ==
        action_document("this pump's state is pausing, apply pause failed!", false));
  CHECK(node.pauses == 0);
  CHECK(node.closes == 0);
}

}  // namespace drainer::server
