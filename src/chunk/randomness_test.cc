#include "chunk/randomness.h"

#include <algorithm>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace rb {
namespace {

Bytes random_bytes(std::size_t size, std::uint32_t seed = 1) {
  std::mt19937 random(seed);
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes)
    byte = static_cast<std::uint8_t>(random() >> 8);
  return bytes;
}

TEST(RandomnessTest, RandomBytesLookRandom) {
  for (std::uint32_t seed = 0; seed < 200; ++seed)
    EXPECT_TRUE(looks_random(random_bytes(512 + seed * 701, seed))) << seed;
}

TEST(RandomnessTest, AHeaderDoesNotMatter) {
  Bytes bytes = random_bytes(3 << 10);
  std::fill_n(bytes.begin(), 1 << 10, std::uint8_t{'#'});
  EXPECT_TRUE(looks_random(bytes));
}

TEST(RandomnessTest, LittleTextDoesNot) {
  const std::string_view words =
      "static int of_the_kind(const struct thing *what, int where) { return 0; }\n";
  std::string text;
  while (text.size() < 512)
    text += words;
  EXPECT_FALSE(looks_random(as_bytes(text)));
}

TEST(RandomnessTest, AFewAreNotJudged) {
  EXPECT_FALSE(looks_random(random_bytes(511)));
  EXPECT_FALSE(looks_random({}));
}

TEST(RandomnessTest, WhatCanBeMadeSmallerDoesNot) {
  const Bytes random = random_bytes(1 << 20);
  Bytes base64 = random, without_a_bit = random, half = random, ramp(1 << 20);
  for (std::size_t i = 0; i < random.size(); ++i) {
    base64[i] = static_cast<std::uint8_t>(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[random[i] % 64]);
    without_a_bit[i] &= 0x7f;
    ramp[i] = static_cast<std::uint8_t>(i / 4);
    if (i / 20000 % 2 == 0) half[i] = 0;
  }
  EXPECT_FALSE(looks_random(base64));
  EXPECT_FALSE(looks_random(without_a_bit));
  EXPECT_FALSE(looks_random(half));
  EXPECT_FALSE(looks_random(Bytes(1 << 20)));
  EXPECT_FALSE(looks_random(ramp));
}

TEST(RandomnessTest, OneBlockAgainAndAgainDoesNot) {
  for (const std::size_t size : {4096, 3000, 16384}) {
    const Bytes block = random_bytes(size);
    Bytes bytes;
    while (bytes.size() < (1 << 20))
      append(bytes, block);
    EXPECT_FALSE(looks_random(bytes)) << size;
  }
}

}  // namespace
}  // namespace rb
