#include "base/erasure_code.h"

#include <algorithm>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

namespace rb {
namespace {

// By the definition: shift and add, modulo x^8 + x^4 + x^3 + x^2 + 1.
std::uint8_t product(unsigned a, unsigned b) {
  unsigned sum = 0;
  for (; b != 0; b >>= 1) {
    if (b & 1) sum ^= a;
    a <<= 1;
    if (a & 0x100) a ^= 0x11d;
  }
  return static_cast<std::uint8_t>(sum);
}

std::vector<Bytes> random_rows(std::mt19937& random, unsigned count, std::size_t length) {
  std::vector<Bytes> rows(count, Bytes(length));
  for (Bytes& row : rows)
    std::ranges::generate(row, [&] { return static_cast<std::uint8_t>(random()); });
  return rows;
}

std::vector<Bytes> encode(const ErasureCode& code, const std::vector<Bytes>& data) {
  std::vector<Bytes> parity(code.parity_rows(), Bytes(data.front().size()));
  std::vector<std::uint8_t*> pointers;
  for (Bytes& row : parity)
    pointers.push_back(row.data());
  for (unsigned i = 0; i < data.size(); ++i)
    code.add(i, data[i], pointers);
  return parity;
}

// `count` of 0 .. end - 1, in any order.
std::vector<unsigned> choose(std::mt19937& random, unsigned count, unsigned end) {
  std::vector<unsigned> all(end);
  std::iota(all.begin(), all.end(), 0u);
  std::ranges::shuffle(all, random);
  all.resize(count);
  return all;
}

TEST(ErasureCodeTest, IsWhatTheFormatSays) {
  std::mt19937 random(1);
  const ErasureCode code(5, 3);
  const auto data = random_rows(random, 5, 100);
  const auto parity = encode(code, data);
  for (unsigned j = 0; j < 3; ++j) {
    Bytes expected(100);
    for (unsigned i = 0; i < 5; ++i) {
      EXPECT_EQ(product(code.coefficient(j, i), i ^ (5 + j)), 1) << "1 / (i xor (k + j))";
      for (std::size_t at = 0; at < 100; ++at)
        expected[at] ^= product(code.coefficient(j, i), data[i][at]);
    }
    EXPECT_EQ(parity[j], expected);
  }
}

TEST(ErasureCodeTest, AnyRowsComeBackFromAnyParity) {
  std::mt19937 random(2);
  for (int trial = 0; trial < 2000; ++trial) {
    const unsigned k = trial % 50 == 0 ? 200 : 1 + random() % 30;
    const unsigned m = trial % 50 == 0 ? 55 : 1 + random() % 12;
    const std::size_t length = 1 + random() % 200;
    const ErasureCode code(k, m);
    const auto data = random_rows(random, k, length);
    const auto parity = encode(code, data);

    const unsigned count = 1 + random() % std::min(k, m);
    const std::vector<unsigned> lost = choose(random, count, k), used = choose(random, count, m);
    ErasureSolver solver(code, lost, used, length);
    for (unsigned i = 0; i < k; ++i) {
      if (std::ranges::find(lost, i) == lost.end()) solver.add(i, data[i]);
    }
    for (unsigned j = 0; j < count; ++j)
      solver.add_parity(j, parity[used[j]]);
    const std::vector<Bytes> found = solver.solve();
    for (unsigned i = 0; i < count; ++i)
      ASSERT_EQ(found[i], data[lost[i]]) << "trial " << trial;
  }
}

}  // namespace
}  // namespace rb
