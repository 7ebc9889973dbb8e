#include "conf/passwords.h"

#include <optional>
#include <utility>

#include "conf/secret.h"

namespace drainer::conf {

namespace {

// Takes the passwords of one configuration. One thread.
class Taker {
 public:
  Taker(const Environment& environment, SyncerOptions& syncer, Problems& problems)
      : environment_(environment), syncer_(syncer), to_(syncer.to), problems_(problems) {}

  void take_all();

 private:
  void take_secret(std::string_view table, const SecretSource& source, bool has_other,
                   std::string& password);
  void decrypt(std::string_view key, const std::string& encrypted, std::string& password);

  const Environment& environment_;
  SyncerOptions& syncer_;
  DownstreamOptions& to_;
  Problems& problems_;
  std::optional<Result<Bytes>> key_;  // read at the first use
};

void Taker::take_all() {
  if (is_database(syncer_.db_type)) {
    take_secret("syncer.to", to_.secret, !to_.password.empty() || !to_.encrypted_password.empty(),
                to_.password);
    decrypt("to.encrypted_password", to_.encrypted_password, to_.password);
    const bool given = !to_.encrypted_password.empty() || !to_.secret.password_file.empty() ||
                       !to_.secret.password_command.empty();
    if (!given && to_.password.empty()) {
      to_.password = environment_("MYSQL_PSWD").value_or("");
    }
  }
  // FIX: the original decrypts `to.encrypted_password` in the place of this one.
  CheckpointOptions& checkpoint = to_.checkpoint;
  take_secret("syncer.to.checkpoint", checkpoint.secret,
              !checkpoint.password.empty() || !checkpoint.encrypted_password.empty(),
              checkpoint.password);
  decrypt("checkpoint.encrypted_password", checkpoint.encrypted_password, checkpoint.password);
}

void Taker::take_secret(std::string_view table, const SecretSource& source, bool has_other,
                        std::string& password) {
  const bool by_file = !source.password_file.empty();
  const bool by_command = !source.password_command.empty();
  if (!by_file && !by_command) return;
  if (has_other || (by_file && by_command)) {
    return problems_.add(
        "`{0}` has more than one password: give one of `{0}.password`, `{0}.encrypted_password`, "
        "`{0}.secret.password-file` and `{0}.secret.password-command`",
        table);
  }
  Result<std::string> secret = by_file ? password_from_file(source.password_file)
                                       : password_from_command(source.password_command);
  if (!secret) {
    return problems_.add("failed to get the password of `{}.secret.{}`: {}", table,
                         by_file ? "password-file" : "password-command",
                         secret.error().to_string());
  }
  password = std::move(secret).value();
}

void Taker::decrypt(std::string_view key, const std::string& encrypted, std::string& password) {
  if (encrypted.empty()) return;
  const auto fail = [&](const Error& error) {
    problems_.add("failed to decrypt password in `{}`: {}", key, error.to_string());
  };
  if (!key_) key_ = secret_key(environment_);
  if (!key_->ok()) return fail(key_->error());
  Result<std::string> plain = decrypt_password(encrypted, key_->value());
  if (!plain) return fail(plain.error());
  password = std::move(plain).value();
}

}  // namespace

void take_passwords(const Environment& environment, SyncerOptions& syncer, Problems& problems) {
  Taker(environment, syncer, problems).take_all();
}

}  // namespace drainer::conf
