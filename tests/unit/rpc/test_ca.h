#pragma once

#include <filesystem>
#include <string>

namespace drainer::rpc {

/// A directory that goes away at the end of life. One thread.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text);

/// A certificate authority made by the openssl command. One thread.
class TestCa {
 public:
  struct Certificate {
    std::string certificate_file;
    std::string key_file;
  };

  TestCa(const TemporaryDirectory& directory, const std::string& common_name);

  std::string file() const { return certificate_file_; }
  /// A certificate for this CN; `subject_names` as "DNS:a,IP:1.2.3.4", or empty for none.
  /// It expires after so many days; with 0 at once.
  Certificate issue(const std::string& common_name, const std::string& subject_names,
                    int days = 2) const;

 private:
  std::string path(const std::string& name) const;

  const TemporaryDirectory& directory_;
  const std::string name_;
  std::string certificate_file_;
  std::string key_file_;
};

}  // namespace drainer::rpc
