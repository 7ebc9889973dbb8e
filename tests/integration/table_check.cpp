// Compares a server's tables with an expected dump and prints the verdict: for the demo and by
// hand.

#include <cstdio>
#include <string>

#include "tests/fakes/process.h"
#include "tests/integration/table_dump.h"

int main(int argc, char** argv) {
  using namespace drainer;
  if (argc != 6) {
    std::fprintf(stderr, "usage: table_check HOST PORT USER PASSWORD EXPECTED.tables[.gz]\n");
    return 2;
  }
  const std::string expected = fakes::read_gzip(argv[5]);
  if (expected.empty()) {
    std::fprintf(stderr, "%s cannot be read\n", argv[5]);
    return 2;
  }
  mysql::SessionOptions options;
  options.host = argv[1];
  options.port = static_cast<uint16_t>(std::stoi(argv[2]));
  options.user = argv[3];
  options.password = argv[4];
  const auto session = mysql::Session::open(options);
  if (!session.ok()) {
    std::fprintf(stderr, "%s\n", session.error().to_string().c_str());
    return 2;
  }
  const auto found = integration::dump_tables(**session, integration::databases_in(expected));
  if (!found.ok()) {
    std::fprintf(stderr, "%s\n", found.error().to_string().c_str());
    return 2;
  }
  const auto differences = integration::compare_dumps(expected, *found, 10);
  for (const std::string& difference : differences) std::printf("%s\n", difference.c_str());
  if (!differences.empty()) return 1;
  size_t tables = 0;
  size_t rows = 0;
  for (size_t at = 0; at < expected.size(); at = expected.find('\n', at) + 1) {
    ++(expected[at] == '#' ? tables : rows);
  }
  std::printf("equal: %zu tables, %zu rows\n", tables, rows);
  return 0;
}
