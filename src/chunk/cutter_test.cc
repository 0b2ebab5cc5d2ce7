#include "chunk/cutter.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace rb {
namespace {

Bytes noise(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes bytes(size);
  for (auto& byte : bytes)
    byte = static_cast<std::uint8_t>(random() >> 56);
  return bytes;
}

ChunkParams with_key(std::uint8_t fill) {
  ChunkParams params;
  params.key.fill(fill);
  return params;
}

std::vector<std::size_t> cuts(const Cutter& cutter, ByteView data) {
  std::vector<std::size_t> at;
  for (std::size_t offset = 0; offset < data.size();) {
    offset += cutter.next_cut(data.subspan(offset));
    at.push_back(offset);
  }
  return at;
}

// When this fails, every file is cut anew and nothing deduplicates against what is stored: that takes a new
// ChunkParams::algorithm, not a new list here.
TEST(CutterTest, KnownCuts) {
  const Bytes data = noise(2 << 20, 1);
  EXPECT_EQ(cuts(Cutter(with_key(7)), data),
            (std::vector<std::size_t>{67419,   182508,  254887,  328488,  402844,  478889,  536603,
                                      612033,  673725,  835295,  900639,  984172,  1069849, 1143760,
                                      1205321, 1279591, 1386547, 1445886, 1541172, 1664305, 1735770,
                                      1810864, 1879879, 2019474, 2085230, 2097152}));
  ChunkParams earlier = with_key(7);  // what domains were given before
  earlier.algorithm = 1;
  earlier.min_bytes = 64 << 10;
  EXPECT_EQ(cuts(Cutter(earlier), data),
            (std::vector<std::size_t>{182508, 272830, 357793, 478889, 612033, 712588, 835295, 984172, 1069849,
                                      1185972, 1279591, 1386547, 1496366, 1664305, 1810864, 1899833, 2019474,
                                      2097152}));
  earlier.min_bytes = 32 << 10;  // and at first
  EXPECT_EQ(cuts(Cutter(earlier), data),
            (std::vector<std::size_t>{182508, 328488, 422249, 536603, 673725, 835295, 984172, 1143760,
                                      1279591, 1386547, 1445886, 1558970, 1664305, 1810864, 1860914, 2019474,
                                      2069748, 2097152}));
  EXPECT_EQ(
      cuts(Cutter(ChunkParams{.algorithm = 1, .min_bytes = 1024, .average_bytes = 4096, .max_bytes = 16384}),
           ByteView(data).first(40'000)),
      (std::vector<std::size_t>{3795, 7455, 12037, 14989, 18573, 22771, 26248, 29881, 33713, 37849, 40000}));
}

TEST(CutterTest, ChunksAreBoundedAndAverageWhatTheyShould) {
  const ChunkParams params = with_key(3);
  const Cutter cutter(params);
  const Bytes data = noise(64 << 20, 2);
  const std::vector<std::size_t> at = cuts(cutter, data);
  for (std::size_t i = 1; i + 1 < at.size(); ++i) {
    EXPECT_GE(at[i] - at[i - 1], params.min_bytes);
    EXPECT_LE(at[i] - at[i - 1], params.max_bytes);
  }
  const double average = static_cast<double>(data.size()) / static_cast<double>(at.size());
  EXPECT_NEAR(average, 88 << 10, 5 << 10);
}

TEST(CutterTest, AnInsertionMovesFewCuts) {
  const Cutter cutter(with_key(5));
  Bytes data = noise(8 << 20, 3);
  const std::vector<std::size_t> before = cuts(cutter, data);
  const Bytes inserted = noise(100, 4);
  const std::size_t where = 3 << 20;
  data.insert(data.begin() + where, inserted.begin(), inserted.end());
  std::vector<std::size_t> after = cuts(cutter, data);
  for (std::size_t& cut : after) {
    if (cut > where) cut -= inserted.size();
  }
  std::vector<std::size_t> common;
  std::ranges::set_intersection(before, after, std::back_inserter(common));
  EXPECT_GE(common.size() + 4, before.size());
}

TEST(CutterTest, WhatFollowsTheCutDoesNotMatter) {
  const Cutter cutter(with_key(6));
  Bytes data = noise(2 << 20, 5);
  const std::size_t cut = cutter.next_cut(data);
  ASSERT_LT(cut, cutter.max_bytes());
  EXPECT_EQ(cutter.next_cut(ByteView(data).first(cut)), cut);
  EXPECT_EQ(cutter.next_cut(ByteView(data).first(cut + 1)), cut);
  EXPECT_EQ(cutter.next_cut(ByteView(data).first(cut - 1)), cut - 1);
  std::fill(data.begin() + static_cast<std::ptrdiff_t>(cut), data.end(), std::uint8_t{0});
  EXPECT_EQ(cutter.next_cut(data), cut);
}

TEST(CutterTest, AnotherKeyCutsElsewhere) {
  const Bytes data = noise(4 << 20, 6);
  const std::vector<std::size_t> one = cuts(Cutter(with_key(1)), data);
  const std::vector<std::size_t> two = cuts(Cutter(with_key(2)), data);
  std::vector<std::size_t> common;
  std::ranges::set_intersection(one, two, std::back_inserter(common));
  EXPECT_LE(common.size(), 2u);  // the end is common
}

TEST(CutterTest, ShortAndMonotonousData) {
  const Cutter cutter(with_key(9));
  EXPECT_EQ(cutter.next_cut(Bytes(1)), 1u);
  EXPECT_EQ(cutter.next_cut(Bytes(cutter.min_bytes())), cutter.min_bytes());
  const Bytes zeros(3 * cutter.max_bytes());
  EXPECT_EQ(cutter.next_cut(zeros), cutter.max_bytes());
}

TEST(ChunkParamsTest, ImpossibleSizesAreRefused) {
  EXPECT_TRUE(check_chunk_params({}));
  EXPECT_TRUE(check_chunk_params({.algorithm = 1}));
  EXPECT_TRUE(check_chunk_params({.min_bytes = 256, .average_bytes = 512, .max_bytes = 513}));
  EXPECT_FALSE(check_chunk_params({.min_bytes = 255}));
  EXPECT_FALSE(check_chunk_params({.min_bytes = 128 << 10}));
  EXPECT_FALSE(check_chunk_params({.average_bytes = 100'000}));
  EXPECT_FALSE(check_chunk_params({.max_bytes = 128 << 10}));
  EXPECT_FALSE(check_chunk_params({.max_bytes = (1 << 20) + 1}));
  const Status unknown = check_chunk_params({.algorithm = 3});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::unsupported);
}

}  // namespace
}  // namespace rb
