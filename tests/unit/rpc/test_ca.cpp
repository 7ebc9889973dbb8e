#include "test_ca.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "drainer/base/check.h"

namespace drainer::rpc {

namespace {

void run(const std::string& command) {
  const int status = std::system((command + " >/dev/null 2>&1").c_str());
  CHECK(status == 0, "{} gives {}", command, status);
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "rpc_test_XXXXXX").string();
  CHECK(::mkdtemp(name.data()) != nullptr, "cannot make {}", name);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::filesystem::remove_all(path_);
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

TestCa::TestCa(const TemporaryDirectory& directory, const std::string& common_name)
    : directory_(directory),
      name_(common_name),
      certificate_file_(path("ca.pem")),
      key_file_(path("ca.key")) {
  run(
      fmt::format("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN={}' -keyout {} "
                  "-out {}",
                  common_name, key_file_, certificate_file_));
}

std::string TestCa::path(const std::string& name) const {
  return directory_.path(name_ + "-" + name);
}

TestCa::Certificate TestCa::issue(const std::string& common_name, const std::string& subject_names,
                                  int days) const {
  const Certificate made{path(common_name + ".pem"), path(common_name + ".key")};
  const std::string request = path("request.pem");
  const std::string extensions = path("extensions");
  run(fmt::format("openssl req -newkey rsa:2048 -nodes -subj '/O=test/CN={}' -keyout {} -out {}",
                  common_name, made.key_file, request));
  write_file(extensions, subject_names.empty() ? "" : "subjectAltName=" + subject_names);
  run(
      fmt::format("openssl x509 -req -in {} -CA {} -CAkey {} -CAcreateserial -days {} -extfile {} "
                  "-out {}",
                  request, certificate_file_, key_file_, days, extensions, made.certificate_file));
  return made;
}

}  // namespace drainer::rpc
