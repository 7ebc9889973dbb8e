#include "conf/secret.h"

#include "tests/fakes/process.h"
#include "tests/unit/conf/loading.h"

#include <catch2/catch.hpp>

namespace drainer::conf {

namespace {

Environment environment_with_key(const std::string& hex) {
  return [hex](std::string_view name) -> std::optional<std::string> {
    if (name == "BINLOG_SECRET_KEY" && !hex.empty()) return hex;
    return std::nullopt;
  };
}

constexpr const char* kPlain123456 = "AAECAwQFBgcICQoLDA0OD0AQo3le16c=";

}  // namespace

TEST_CASE("secret: encrypted passwords of the Go tools are decrypted") {
  struct Case {
    std::string key;
    std::string encrypted;
    std::string plain;
  };
  const Case cases[] = {
      {"", kPlain123456, "123456"},
      {"", "AAECAwQFBgcICQoLDA0OD0BAsToGg/hIwZkfwAo=", "a plain text"},
      {"", "AAECAwQFBgcICQoLDA0OD0BV+SMZwuFHkp4N1wwzH/ODnFmu8TiUWTV5bUOn2Ph9JbDnQrr2wg==",
       "this password is longer than one block"},
      {"", "AAECAwQFBgcICQoL\r\nDA0OD0AQo3le16c=", "123456"},
      {"", "AAECAwQFBgcICQoLDA0OD0A=", ""},
      {"000102030405060708090a0b0c0d0e0f", "AAECAwQFBgcICQoLDA0OD0A7pjiBdFg=", "123456"},
  };
  for (const Case& c : cases) {
    INFO(c.encrypted);
    const Bytes key = *secret_key(environment_with_key(c.key));
    CHECK(*decrypt_password(c.encrypted, key) == c.plain);
  }
}

TEST_CASE("secret: a wrong key gives rubbish, not an error") {
  const Bytes key(32, 'x');
  const Result<std::string> plain = decrypt_password(kPlain123456, key);
  REQUIRE(plain.ok());
  CHECK(plain->size() == 6);
  CHECK(*plain != "123456");
  CHECK(decrypt_password(kPlain123456, Bytes(24, 'x')).ok());
}

TEST_CASE("secret: what is no encrypted password is refused without its bytes") {
  const std::pair<std::string, std::string> cases[] = {
      {"AAECAwQFBgcICQoLDA0ODw==", "ciphertext not valid"},
      {"AAECAwQFBgcICQoLDA0OD0EQo3le16c=", "ciphertext not valid"},
      {"", "ciphertext not valid"},
      {"AAEC*wQF", "base 64 failed to decode: illegal base64 data at input byte 4"},
      {"AAECAw", "base 64 failed to decode: illegal base64 data at input byte 6"},
      {"A===", "base 64 failed to decode: illegal base64 data at input byte 1"},
      {"AA==AAAA", "base 64 failed to decode: illegal base64 data at input byte 4"},
  };
  const Bytes key(16, 'k');
  for (const auto& [encrypted, message] : cases) {
    INFO(encrypted);
    CHECK(decrypt_password(encrypted, key).error().to_string() == message);
  }
}

TEST_CASE("secret: a key of another length or no hex is refused without its bytes") {
  CHECK(secret_key(environment_with_key("010203")).error().to_string() ==
        "secretKey not valid: 3 bytes");
  CHECK(secret_key(environment_with_key("0g")).error().to_string() ==
        "encoding/hex: invalid byte in BINLOG_SECRET_KEY");
  CHECK(secret_key(environment_with_key("012")).error().to_string() ==
        "encoding/hex: odd length hex string");
}

TEST_CASE("secret: the options take the password from each place") {
  const fakes::TempDir directory("conf");
  const std::string file = test::write(directory, "password", "from file\r\nsecond line\n");
  const auto password = [](const std::string& to, std::map<std::string, std::string> variables) {
    return test::options_of({.file = "[syncer.to]\n" + to, .environment = std::move(variables)})
        .syncer.to.password;
  };
  const std::string encrypted = std::string("encrypted_password = '") + kPlain123456 + "'\n";
  CHECK(password("password = 'plain'", {{"MYSQL_PSWD", "env"}}) == "plain");
  CHECK(password("password = ''", {{"MYSQL_PSWD", "env"}}) == "env");
  CHECK(password("password = 'plain'\n" + encrypted, {{"MYSQL_PSWD", "env"}}) == "123456");
  CHECK(password("secret.password-file = '" + file + "'", {{"MYSQL_PSWD", "env"}}) == "from file");
  CHECK(password("secret.password-command = 'echo \"a b\"; echo c'", {}) == "a b");
}

TEST_CASE("secret: the checkpoint's password is decrypted from its own key") {
  const Options options = test::options_of(
      {.file = std::string("[syncer.to.checkpoint]\nencrypted_password = '") + kPlain123456 + "'"});
  CHECK(options.syncer.to.checkpoint.password == "123456");
  CHECK(options.syncer.to.password.empty());
  CHECK(test::options_of({.file = "[syncer.to.checkpoint.secret]\npassword-command = 'echo x'"})
            .syncer.to.checkpoint.password == "x");
}

TEST_CASE("secret: a password that cannot be had is a problem that shows no secret") {
  const auto problem = [](const std::string& text, const std::string& key = "") {
    std::map<std::string, std::string> variables;
    if (!key.empty()) variables["BINLOG_SECRET_KEY"] = key;
    return test::problem_of({.file = text, .environment = variables});
  };
  CHECK(problem("syncer.to.encrypted_password = 'AAAA'") ==
        "failed to decrypt password in `to.encrypted_password`: ciphertext not valid");
  CHECK(problem("syncer.to.checkpoint.encrypted_password = 'AAAA'") ==
        "failed to decrypt password in `checkpoint.encrypted_password`: ciphertext not valid");
  CHECK(problem("syncer.to.encrypted_password = 'AAAA'", "aabb") ==
        "failed to decrypt password in `to.encrypted_password`: secretKey not valid: 2 bytes");
  CHECK(problem("syncer.to.secret.password-file = '/nowhere'") ==
        "failed to get the password of `syncer.to.secret.password-file`: open /nowhere: no such "
        "file or directory");
  CHECK(problem("syncer.to.secret.password-command = 'echo hush; exit 3'") ==
        "failed to get the password of `syncer.to.secret.password-command`: exit status 3");
  CHECK(problem("syncer.to.secret.password-command = 'kill -9 $$'") ==
        "failed to get the password of `syncer.to.secret.password-command`: signal 9");
  CHECK(problem("syncer.to.password = 'hush'\nsyncer.to.secret.password-file = '/nowhere'") ==
        "`syncer.to` has more than one password: give one of `syncer.to.password`, "
        "`syncer.to.encrypted_password`, "
        "`syncer.to.secret.password-file` and `syncer.to.secret.password-command`");
}

}  // namespace drainer::conf
