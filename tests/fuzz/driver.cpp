// Runs a fuzzer without libFuzzer: every seed, then mutations of them that are the same each time.
// Usage, as libFuzzer's: <fuzzer> [-runs=N] [-max_total_time=SECONDS] [file or folder]…

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
extern "C" [[gnu::weak]] int LLVMFuzzerInitialize(int* argc, char*** argv);

namespace {

namespace fs = std::filesystem;

constexpr size_t kInputBytesMax = 4096;

using Random = std::mt19937;

size_t pick(Random& random, size_t count) {
  return count == 0 ? 0 : random() % count;
}

void mutate(std::string& input, const std::vector<std::string>& seeds, Random& random) {
  static constexpr unsigned char kBytes[] = {0, 1, 0x7f, 0x80, 0xff, '"', '\'', '`', '{', '\\'};
  switch (pick(random, 6)) {
    case 0:  // flip a bit
      if (!input.empty())
        input[pick(random, input.size())] ^= static_cast<char>(1 << pick(random, 8));
      break;
    case 1:  // a telling byte
      if (!input.empty()) {
        input[pick(random, input.size())] =
            static_cast<char>(kBytes[pick(random, std::size(kBytes))]);
      }
      break;
    case 2:  // less
      input.erase(pick(random, input.size()), 1 + pick(random, 8));
      break;
    case 3:  // more
      input.insert(pick(random, input.size() + 1), 1 + pick(random, 4),
                   static_cast<char>(random()));
      break;
    case 4: {  // a piece of itself, elsewhere
      const std::string piece = input.substr(pick(random, input.size()), 1 + pick(random, 32));
      input.insert(pick(random, input.size() + 1), piece);
      break;
    }
    case 5: {  // the end of another
      const std::string& other = seeds[pick(random, seeds.size())];
      input.resize(pick(random, input.size() + 1));
      input += other.substr(pick(random, other.size()));
      break;
    }
  }
  if (input.size() > kInputBytesMax) input.resize(kInputBytesMax);
}

void read_seeds(const fs::path& path, std::vector<std::string>& seeds) {
  if (fs::is_directory(path)) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(path)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) read_seeds(file, seeds);
  } else if (std::ifstream in(path, std::ios::binary); in) {
    seeds.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
}

void run(const std::string& input) {
  // A block of exactly its size, so that the sanitizers see a read beyond the end.
  const std::vector<uint8_t> exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int argc, char** argv) {
  using std::chrono::steady_clock;
  long runs_max = -1;
  long seconds_max = -1;
  std::vector<std::string> seeds;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with("-runs=")) {
      runs_max = std::atol(argument.c_str() + 6);
    } else if (argument.starts_with("-max_total_time=")) {
      seconds_max = std::atol(argument.c_str() + 16);
    } else if (!argument.starts_with("-")) {
      read_seeds(argument, seeds);
    }
  }
  if (LLVMFuzzerInitialize != nullptr) LLVMFuzzerInitialize(&argc, &argv);
  for (const std::string& seed : seeds) run(seed);
  seeds.emplace_back();
  Random random(1);
  const auto begin = steady_clock::now();
  long runs = 0;
  while (runs_max < 0 || runs < runs_max) {
    std::string input = seeds[pick(random, seeds.size())];
    for (size_t left = 1 + pick(random, 5); left > 0; --left) mutate(input, seeds, random);
    run(input);
    ++runs;
    if (seconds_max >= 0 && steady_clock::now() - begin > std::chrono::seconds(seconds_max)) break;
  }
  std::printf("%zu seeds, %ld mutations\n", seeds.size() - 1, runs);
  return 0;
}
