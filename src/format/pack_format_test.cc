#include "format/pack_format.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/byte_codec.h"
#include "base/limits.h"

namespace rb {
namespace {

HashKey test_key(std::uint8_t first = 0) {
  HashKey key;
  for (std::size_t i = 0; i < key.size(); ++i)
    key[i] = static_cast<std::uint8_t>(first + i);
  return key;
}

const RepositoryId kPackRepository = *id_from_hex<RepositoryId>("000102030405060708090a0b0c0d0e0f");
const PackPosition kAt{.pack = 3, .offset = 80};
const PackRecordOwner kOwner{.node = 7, .domain = 9};

Bytes make_block(std::size_t size) {
  Bytes block(size);
  for (std::size_t i = 0; i < size; ++i)
    block[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
  return block;
}

Bytes make_record(ByteView block, const PackPosition& at = kAt, const HashKey& key = test_key()) {
  Bytes record(pack_record_bytes(block.size()), 0xff);  // what stood there leaves nothing behind
  encode_pack_record(kOwner, block, at, key, record);
  return record;
}

// "" when the record is genuine and whole, else why not.
std::string check(ByteView record, const PackPosition& at = kAt, const HashKey& key = test_key()) {
  const auto header = decode_pack_record_header(record, at, key);
  if (!header) return "no header";
  if (record.size() < header->record_bytes()) return "cut short";
  const Status status =
      check_pack_record(record.first(header->block_offset()),
                        record.subspan(header->block_offset(), header->block_bytes), at, key);
  return status ? "" : status.error().message;
}

TEST(PackFormatTest, FileNames) {
  EXPECT_EQ(pack_file_name(42), "0000002a.pack");
  EXPECT_EQ(pack_file_name(0x123456789), "123456789.pack");
  for (const std::uint64_t number : {1ull, 42ull, 0xffffffffull, 0x123456789ull, ~0ull}) {
    EXPECT_EQ(pack_number_of(pack_file_name(number)), number);
  }
  for (const char* name : {"", ".pack", "2a.pack", "0000002A.pack", "00000000.pack", "0000002a.pack.new",
                           "0123456789.pack", "0000002g.pack", "11111111111111111.pack", "0000002a"}) {
    EXPECT_EQ(pack_number_of(name), std::nullopt) << name;
  }
}

TEST(PackFormatTest, HeaderGoldenBytes) {
  const Bytes bytes =
      encode_pack_header({.repository = kPackRepository, .number = 0x2a, .collections_begun = 5});
  EXPECT_EQ(to_hex(bytes),
            "e772627061636b0a"                                                    // magic
            "00000000"                                                            // version
            "00000000"                                                            // writer
            "000102030405060708090a0b0c0d0e0f"                                    // repository
            "2a00000000000000"                                                    // number
            "0500000000000000"                                                    // collections
            "5a5a2fd1f209dd1b6237624c0298b3f8284ccf8cbb27a86e18636a156b62dbe3");  // hash
}

TEST(PackFormatTest, HeaderRoundTripAndDamage) {
  const PackHeader header{
      .repository = kPackRepository, .number = 77, .collections_begun = 3, .writer = PackWriter::collector};
  const Bytes bytes = encode_pack_header(header);
  ASSERT_EQ(bytes.size(), kPackHeaderBytes);
  EXPECT_EQ(*decode_pack_header(bytes), header);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes damaged = bytes;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    EXPECT_EQ(decode_pack_header(damaged).error().code, Errc::corrupt) << bit;
  }
  for (std::size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(decode_pack_header(ByteView(bytes).first(n)));
}

TEST(PackFormatTest, UnknownVersionIsUnsupported) {
  Bytes bytes = encode_pack_header({.repository = kPackRepository, .number = 1});
  bytes[8] = 1;
  const Digest digest = hash(ByteView(bytes).first(48));
  std::copy(digest.bytes.begin(), digest.bytes.end(), bytes.begin() + 48);
  EXPECT_EQ(decode_pack_header(bytes).error().code, Errc::unsupported);
}

TEST(PackFormatTest, RecordGoldenBytes) {
  EXPECT_EQ(
      to_hex(make_record(make_block(45))),
      "e772627265630d0a"                                                  // magic
      "2d000000"                                                          // length of the block
      "09000000"                                                          // domain
      "07000000"                                                          // node
      "00000000"                                                          // reserved
      "858a86c2dc7f5e7a"                                                  // the header's check
      "538639ac0b34e053189a42e7f228e2d356a92a5e0dc8a413eaa4af02e68dd5e8"  // checksum
      "86e7c1a8"                                                          // CRC of the only piece
      "001f3e5d7c9bbad9f81736557493b2d1f00f2e4d6c8baac9e80726456483a2c1e0ff1e3d5c7b9ab9d8f7163554"  // block
      "00000000000000");                                                                            // padding
}

TEST(PackFormatTest, EveryLengthRoundTrips) {
  for (const std::size_t size : {32, 33, 39, 40, 4095, 4096, 4097, 8192, 300001}) {
    const Bytes block = make_block(size), record = make_record(block);
    EXPECT_EQ(record.size() % kPackAlignment, 0u);
    EXPECT_EQ(check(record), "") << size;
    const auto header = decode_pack_record_header(record, kAt, test_key());
    ASSERT_TRUE(header.has_value());
    EXPECT_EQ(header->owner, kOwner);
    EXPECT_EQ(header->record_bytes(), record.size());
    EXPECT_TRUE(
        std::ranges::equal(ByteView(record).subspan(header->block_offset(), header->block_bytes), block));
  }
  EXPECT_FALSE(valid_block_bytes(31));
  EXPECT_FALSE(valid_block_bytes(kMaxBlockBytes + 1));
  EXPECT_TRUE(valid_block_bytes(kMaxBlockBytes));
}

TEST(PackFormatTest, ARecordHoldsOnlyInItsPlaceAndWithItsKey) {
  const Bytes record = make_record(make_block(100));
  EXPECT_EQ(check(record, {.pack = 3, .offset = 88}), "no header");
  EXPECT_EQ(check(record, {.pack = 4, .offset = 80}), "no header");
  EXPECT_EQ(check(record, kAt, test_key(1)), "no header");
}

TEST(PackFormatTest, EveryFlippedBitIsNoticed) {
  const Bytes record = make_record(make_block(45));
  const std::size_t covered_bytes = kPackRecordHeaderBytes + 4 + 45;  // what follows is padding
  for (std::size_t bit = 0; bit < covered_bytes * 8; ++bit) {
    Bytes damaged = record;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    EXPECT_NE(check(damaged), "") << bit;
  }
}

TEST(PackFormatTest, DamageIsLocated) {
  Bytes record = make_record(make_block(40000));
  const std::size_t block_offset = kPackRecordHeaderBytes + 4 * 10;
  for (const std::size_t piece : {1, 2, 3, 7})
    record[block_offset + piece * kPackPieceBytes + 5] ^= 1;
  EXPECT_EQ(check(record), "record at 80 of pack 00000003: damaged in the 4 KiB pieces 1-3, 7 of 10");
}

TEST(PackFormatTest, DamagedChecksumBlamesTheHeader) {
  Bytes record = make_record(make_block(100));
  record[40] ^= 1;
  EXPECT_EQ(check(record), "record at 80 of pack 00000003: its header is damaged");
}

TEST(PackFormatTest, AnyBytesAreDecodedWithoutHarm) {
  EXPECT_TRUE(rc::check([](const Bytes& bytes) {
    RC_ASSERT(!decode_pack_record_header(bytes, kAt, test_key()).has_value());
    RC_ASSERT(!decode_pack_header(bytes).has_value());
  }));
}

}  // namespace
}  // namespace rb
