#include "conf/options_json.h"

#include "tests/unit/conf/loading.h"

#include <rapidjson/document.h>
#include <catch2/catch.hpp>

namespace drainer::test {

TEST_CASE("options json: members are named as in the file and nested as its tables") {
  const std::string text = options_json(options_of({.file = R"(
addr = "h:1"
[syncer]
replicate-do-db = ["a"]
[syncer.to]
read-timeout = 7
[syncer.to.checkpoint]
schema = "s"
)"}));
  rapidjson::Document json;
  json.Parse(text.c_str());
  INFO(text);
  REQUIRE_FALSE(json.HasParseError());
  CHECK(json["addr"].GetString() == std::string("http://h:1"));
  CHECK(json["EtcdTimeout"].GetString() == std::string("5s"));
  CHECK(json["security"]["ssl-ca"].GetString() == std::string(""));
  CHECK(json["sycner"]["sql-mode"].IsNull());
  CHECK(json["sycner"]["enable-dispatch"].GetBool());
  CHECK(json["sycner"]["replicate-do-db"][0].GetString() == std::string("a"));
  CHECK(json["sycner"]["relay"]["max-file-size"].GetInt() == 10485760);
  CHECK(json["sycner"]["apply"]["on-row-mismatch"].GetString() == std::string("stop"));
  CHECK(json["sycner"]["to"]["read-timeout"].GetString() == std::string("168h0m0s"));
  CHECK(json["sycner"]["to"]["port"].GetInt() == 3306);
  CHECK(json["sycner"]["to"]["security"]["cert-allowed-cn"].IsArray());
  CHECK(json["sycner"]["to"]["checkpoint"]["schema"].GetString() == std::string("s"));
  CHECK(json["sycner"]["to"]["checkpoint"]["security"]["ssl-key"].GetString() == std::string(""));
  CHECK_FALSE(json.HasMember("syncer"));
}

TEST_CASE("options json: no secret is shown") {
  const std::string text = options_json(options_of({.file = R"(
pd-urls = "http://user:hush-pd@127.0.0.1:2379"
MetricsAddr = "http://user:hush-push@gateway:9091"
[syncer.to]
password = "hush-to"
encrypted_password = "AAECAwQFBgcICQoLDA0OD0AQo3le16c="
[syncer.to.checkpoint]
password = "hush-checkpoint"
)"}));
  INFO(text);
  for (const char* secret : {"hush", "123456", "AAEC"}) {
    CHECK(text.find(secret) == std::string::npos);
  }
  CHECK(text.find("\"pd-urls\":\"http://user:******@127.0.0.1:2379\"") != std::string::npos);
  CHECK(text.find("\"MetricsAddr\":\"http://user:******@gateway:9091\"") != std::string::npos);
  CHECK(text.find("\"password\":\"******\"") != std::string::npos);
  for (const char* address :
       {"user:hush@gateway:9091", "http://user:a,hush@gateway:9091",
        "http://user:a/hush@gateway:9091", "user:http://hush@b@gateway:9091"}) {
    const std::string shown =
        options_json(options_of({.file = fmt::format("MetricsAddr = \"{}\"", address)}));
    INFO(address << " as " << shown);
    CHECK(shown.find("hush") == std::string::npos);
    CHECK(shown.find("user:******@gateway:9091\"") != std::string::npos);
  }
  // What was never given is shown as empty.
  CHECK(options_json(options_of({})).find("\"password\":\"\"") != std::string::npos);
}

}  // namespace drainer::test
