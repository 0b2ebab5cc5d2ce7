// Runs a fuzz target without libFuzzer: every seed of a directory, as it is and damaged in ways that are the
// same at every run. A failure shows as an assertion or a sanitizer's report, after the name of the seed.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

constexpr int kMutationsPerSeed = 2000;

// A copy of exactly its size, so that AddressSanitizer sees the first byte read too far.
void run(const Input& input) {
  const Input exact(input.begin(), input.end());
  (void)LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

Input mutated(Input input, std::mt19937_64& random) {
  for (std::uint64_t steps = 1 + random() % 3; steps > 0; --steps) {
    if (input.empty()) return {static_cast<std::uint8_t>(random())};
    const auto at = static_cast<std::ptrdiff_t>(random() % input.size());
    switch (random() % 6) {
      case 0:
        input[static_cast<std::size_t>(at)] ^= static_cast<std::uint8_t>(1u << (random() % 8));
        break;
      case 1:
        input[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(random());
        break;
      case 2:
        input.erase(input.begin() + at);
        break;
      case 3:
        input.insert(input.begin() + at, static_cast<std::uint8_t>(random()));
        break;
      case 4:
        input.resize(static_cast<std::size_t>(at));
        break;
      default: {
        // A piece of the input over another: lengths and counts that are right elsewhere.
        const std::size_t from = random() % input.size();
        const std::size_t to = static_cast<std::size_t>(at);
        const std::size_t n =
            std::min<std::size_t>({1 + random() % 16, input.size() - from, input.size() - to});
        const Input piece(input.begin() + static_cast<std::ptrdiff_t>(from),
                          input.begin() + static_cast<std::ptrdiff_t>(from + n));
        std::copy(piece.begin(), piece.end(), input.begin() + at);
      }
    }
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::filesystem::path> seeds;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      seeds.emplace_back(argv[i]);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      seeds.push_back(entry.path());
    }
  }
  std::sort(seeds.begin(), seeds.end());
  if (seeds.empty()) {
    std::fprintf(stderr, "no seeds: name a corpus directory\n");
    return 2;
  }
  std::mt19937_64 random(1);
  run({});
  for (const std::filesystem::path& seed : seeds) {
    std::printf("%s\n", seed.filename().c_str());
    std::fflush(stdout);
    std::ifstream file(seed, std::ios::binary);
    const Input input{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    run(input);
    for (int i = 0; i < kMutationsPerSeed; ++i) {
      run(mutated(input, random));
    }
  }
  return 0;
}
