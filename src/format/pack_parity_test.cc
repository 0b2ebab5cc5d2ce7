#include "format/pack_parity.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/erasure_code.h"

namespace rb {
namespace {

const ParityOwner kParityOwner{*id_from_hex<RepositoryId>("000102030405060708090a0b0c0d0e0f"), 3};

ParityIndex index_for(std::uint64_t pack_bytes, unsigned percent) {
  ParityIndex index{.owner = kParityOwner, .layout = plan_parity_layout(pack_bytes, percent)};
  index.pack_digest.bytes.fill(0xd1);
  for (std::uint32_t i = 0; i < index.layout.sectors(); ++i)
    index.sector_crcs.push_back(0x10000 + i);
  for (std::uint32_t i = 0; i < index.layout.parity_sectors(); ++i)
    index.parity_crcs.push_back(0x20000 + i);
  return index;
}

// The parity itself is left as zeros.
Bytes file_of(const ParityIndex& index) {
  Bytes file(index.layout.file_bytes());
  encode_parity_index(index, file);
  return file;
}

Result<DecodedParityIndex> decode(ByteView file, const ParityOwner& owner = kParityOwner) {
  return decode_parity_index(owner, file.size(), [&](std::uint64_t offset) -> std::optional<ByteView> {
    RB_ASSERT(offset + kParitySectorBytes <= file.size());
    return file.subspan(offset, kParitySectorBytes);
  });
}

void expect_decodes(ByteView file, const ParityIndex& index, std::size_t damaged_pages) {
  const auto decoded = decode(file);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_TRUE(decoded->index == index);
  EXPECT_EQ(decoded->damaged_pages, damaged_pages);
}

void expect_refused(ByteView file, Errc code, const ParityOwner& owner = kParityOwner) {
  const auto decoded = decode(file, owner);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, code) << decoded.error().message;
}

TEST(PackParityTest, FileNames) {
  EXPECT_EQ(pack_parity_file_name(42), "0000002a.parity");
  EXPECT_EQ(pack_parity_number_of("0000002a.parity"), 42u);
  for (const char* name :
       {"0000002a.pack", "2a.parity", "0000002A.parity", ".parity", "00000000.parity", "0000002a.parity.new"})
    EXPECT_EQ(pack_parity_number_of(name), std::nullopt) << name;
}

TEST(PackParityTest, ADefaultPackHasFivePercent) {
  const ParityLayout layout = plan_parity_layout(128 << 20, kParityPercentDefault);
  EXPECT_EQ(layout.sectors(), 32768u);
  EXPECT_EQ(layout.stripes, 328u);
  EXPECT_EQ(layout.data_rows(), 100u);
  EXPECT_EQ(layout.parity_rows, 5u);
  EXPECT_EQ(layout.index_bytes(), 88 + 4 * (32768 + 5 * 328) + 32u);
  EXPECT_EQ(layout.file_bytes(), (2 * 34 + 5 * 328) * kParitySectorBytes);
}

TEST(PackParityTest, EveryPlanIsValidAndGivesItsShare) {
  EXPECT_TRUE(rc::check([] {
    const std::uint64_t largest = 1ull << *rc::gen::inRange(0, 33);
    const std::uint64_t bytes =
        1 + *rc::gen::inRange<std::uint64_t>(0, std::min(largest, kParityPackBytesMax));
    const unsigned percent = *rc::gen::inRange(kParityPercentMin, kParityPercentMax + 1);
    const ParityLayout layout = plan_parity_layout(bytes, percent);
    RC_ASSERT(valid_parity_layout(layout));
    RC_ASSERT(layout.data_rows() <= 100u);
    RC_ASSERT(std::uint64_t{layout.stripes} * (layout.data_rows() - 1) < layout.sectors());
    RC_ASSERT(100ull * layout.parity_sectors() >= std::uint64_t{layout.sectors()} * percent);
    RC_ASSERT(layout.page_offset(1, layout.index_pages() - 1) ==
              layout.parity_offset(layout.parity_sectors()));
    RC_ASSERT(layout.page_offset(1, 0) + kParitySectorBytes == layout.file_bytes());
  }));
}

TEST(PackParityTest, LayoutsThatNobodyMadeAreInvalid) {
  const ParityLayout good = plan_parity_layout(1 << 20, 5);
  for (const ParityLayout& bad :
       {ParityLayout{0, good.stripes, good.parity_rows},
        ParityLayout{kParityPackBytesMax + 1, good.stripes, good.parity_rows},
        ParityLayout{good.pack_bytes, 0, good.parity_rows},
        ParityLayout{good.pack_bytes, 257, good.parity_rows},
        ParityLayout{good.pack_bytes, 1, good.parity_rows}, ParityLayout{good.pack_bytes, good.stripes, 0},
        ParityLayout{good.pack_bytes, good.stripes, UINT32_MAX}}) {
    EXPECT_FALSE(valid_parity_layout(bad)) << bad.pack_bytes << " " << bad.stripes << " " << bad.parity_rows;
  }
}

TEST(PackParityTest, AnIndexComesBack) {
  for (const std::uint64_t bytes : {1ull, 4096ull, 4097ull, 4096 * 100ull, 4096 * 101ull, 10'000'000ull}) {
    for (const unsigned percent : {1u, 5u, 20u}) {
      const ParityIndex index = index_for(bytes, percent);
      expect_decodes(file_of(index), index, 0);
    }
  }
}

// docs/format.md, "Parity", shows these bytes.
TEST(PackParityTest, ToTheByte) {
  const ParityIndex index = index_for(5000, 5);
  const Bytes file = file_of(index);
  ASSERT_EQ(file.size(), 4 * kParitySectorBytes);
  EXPECT_EQ(to_hex(ByteView(file).first(88)),
            "e77262706172"
            "0d0a"
            "00000000"
            "02000000"
            "000102030405060708090a0b0c0d0e0f"
            "0300000000000000"
            "8813000000000000"
            "01000000"
            "00000000"
            "d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1");
  EXPECT_EQ(to_hex(ByteView(file).subspan(88, 16)), "00000100010001000000020001000200");
  EXPECT_EQ(to_hex(ByteView(file).subspan(104, 32)),
            "87b46ab5cf41fa65e39c379f82a2d9747636507bcfb4801ac2c65e9950c80846");
  const ByteView rest = ByteView(file).subspan(136, kParitySectorBytes - 4 - 136);
  EXPECT_TRUE(std::ranges::all_of(rest, [](std::uint8_t b) { return b == 0; }));
  EXPECT_EQ(to_hex(ByteView(file).subspan(kParitySectorBytes - 4, 4)), "40f06513");
  EXPECT_TRUE(
      std::ranges::equal(ByteView(file).first(kParitySectorBytes), ByteView(file).last(kParitySectorBytes)));
}

TEST(PackParityTest, OneCopyOfEachPageIsEnough) {
  const ParityIndex index = index_for(20'000'000, 5);
  const ParityLayout& layout = index.layout;
  const std::uint32_t pages = layout.index_pages();
  ASSERT_GT(pages, 3u);
  std::mt19937 random(1);
  for (int trial = 0; trial < 300; ++trial) {
    Bytes file = file_of(index);
    std::size_t damaged = 0;
    for (std::uint32_t page = 0; page < pages; ++page) {
      const unsigned copy = random() % 3;
      if (copy == 2) continue;
      file[layout.page_offset(copy, page) + random() % kParitySectorBytes] ^=
          static_cast<std::uint8_t>(1 + random() % 255);
      ++damaged;
    }
    expect_decodes(file, index, damaged);
  }
}

TEST(PackParityTest, APageLostTwiceLosesTheIndex) {
  const ParityIndex index = index_for(20'000'000, 5);
  for (std::uint32_t page = 0; page < index.layout.index_pages(); ++page) {
    Bytes file = file_of(index);
    for (const unsigned copy : {0u, 1u})
      file[index.layout.page_offset(copy, page) + 7] ^= 1;
    expect_refused(file, Errc::corrupt);
  }
}

TEST(PackParityTest, ACutOrALongerFileIsReadAsFarAsItGoes) {
  const ParityIndex index = index_for(20'000'000, 5);
  const ParityLayout& layout = index.layout;
  Bytes file = file_of(index);
  Bytes longer = file;
  longer.resize(file.size() + 10'000, 0xee);
  expect_decodes(longer, index, 0);
  const std::size_t first_copy = layout.index_pages() * kParitySectorBytes;
  expect_decodes(ByteView(file).first(first_copy), index, layout.index_pages());
  expect_refused(ByteView(file).first(first_copy - 1), Errc::corrupt);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kParitySectorBytes - 1, kParitySectorBytes})
    expect_refused(ByteView(file).first(size), Errc::corrupt);
}

TEST(PackParityTest, ThatOfAnotherPackIsNotBelieved) {
  const Bytes file = file_of(index_for(20'000'000, 5));
  ParityOwner other = kParityOwner;
  other.pack = 4;
  expect_refused(file, Errc::corrupt, other);
  other = kParityOwner;
  other.repository.bytes[0] ^= 1;
  expect_refused(file, Errc::corrupt, other);
}

TEST(PackParityTest, APageInTheWrongPlaceIsNotBelieved) {
  const ParityIndex index = index_for(20'000'000, 5);
  Bytes file = file_of(index);
  for (const std::uint64_t from : {std::uint64_t{2 * kParitySectorBytes}, std::uint64_t{0}}) {
    std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(from), kParitySectorBytes,
                file.begin() + kParitySectorBytes);
    expect_decodes(file, index, 1);
  }
}

// Whatever stands there, nothing but the index that was written is ever given.
TEST(PackParityTest, RandomDamageNeverGivesAnotherIndex) {
  const ParityIndex index = index_for(3'000'000, 10);
  const Bytes good = file_of(index);
  std::mt19937 random(2);
  for (int trial = 0; trial < 2000; ++trial) {
    Bytes file = good;
    for (unsigned hits = 1 + random() % 6; hits > 0; --hits) {
      const std::size_t at = random() % file.size(),
                        length = std::min<std::size_t>(1 + random() % 9000, file.size() - at);
      std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(at), length,
                  static_cast<std::uint8_t>(random()));
    }
    if (random() % 4 == 0) file.resize(random() % file.size());
    const auto decoded = decode(file);
    ASSERT_TRUE(!decoded || decoded->index == index);
  }
}

}  // namespace
}  // namespace rb
