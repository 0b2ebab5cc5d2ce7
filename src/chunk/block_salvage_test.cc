#include "chunk/block_salvage.h"

#include <random>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/limits.h"
#include "chunk/block_codec.h"
#include "format/tree_page.h"
#include "support/canonical.h"
#include "support/format_values.h"

namespace rb {
namespace {

using test::FormatValues;

constexpr std::size_t kSectorBytes = 4096;

NamedObject chunk(Bytes payload) {
  NamedObject named;
  named.object.payload = std::move(payload);
  named.id = object_id(named.object);
  return named;
}

Bytes noise(std::mt19937_64& random, std::size_t size) {
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes)
    byte = static_cast<std::uint8_t>(random());
  return bytes;
}

// Shrinks to a fifth, and repeats nothing of any other.
Bytes lines(std::mt19937_64& random, std::size_t size) {
  Bytes bytes;
  const Bytes line = noise(random, 48);
  while (bytes.size() < size) {
    append(bytes, line);
    append(bytes, noise(random, 12));
  }
  bytes.resize(size);
  return bytes;
}

Bytes block_of(const std::vector<NamedObject>& objects, bool is_packed) {
  BlockBuilder builder(is_metadata(objects[0].object.kind) ? BlockClass::metadata : BlockClass::data,
                       {.off = !is_packed});
  for (const NamedObject& named : objects)
    builder.add(named.id, named.object.kind, named.object.refs, named.object.payload);
  return builder.finish();
}

std::vector<KnownObject> all_known(const std::vector<NamedObject>& objects) {
  std::vector<KnownObject> known;
  for (std::uint32_t i = 0; i < objects.size(); ++i)
    known.push_back({.index = i, .id = objects[i].id, .kind = objects[i].object.kind, .payload_bytes = {}});
  return known;
}

std::vector<KnownObject> all_known_with_lengths(const std::vector<NamedObject>& objects) {
  std::vector<KnownObject> known = all_known(objects);
  for (std::uint32_t i = 0; i < objects.size(); ++i)
    known[i].payload_bytes = static_cast<std::uint32_t>(objects[i].object.payload.size());
  return known;
}

void zero(Bytes& bytes, std::size_t begin, std::size_t end) {
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
            bytes.begin() + static_cast<std::ptrdiff_t>(std::min(end, bytes.size())), 0);
}

// The indices of what was salvaged. Nothing else than what was put in may come out, at its place.
std::set<std::uint32_t> indices(const std::vector<SalvagedObject>& salvaged,
                                const std::vector<NamedObject>& objects) {
  std::set<std::uint32_t> found;
  for (const SalvagedObject& one : salvaged) {
    EXPECT_LT(one.index, objects.size());
    EXPECT_EQ(one.object.id, objects[one.index].id);
    EXPECT_EQ(one.object.object, objects[one.index].object);
    EXPECT_TRUE(found.insert(one.index).second);
  }
  return found;
}

std::vector<NamedObject> many_chunks(std::uint64_t seed, std::size_t count, std::size_t bytes) {
  std::mt19937_64 random(seed);
  std::vector<NamedObject> objects;
  for (std::size_t i = 0; i < count; ++i)
    objects.push_back(chunk(lines(random, bytes / 2 + random() % bytes)));
  return objects;
}

TEST(BlockSalvageTest, OfARawBlockOnlyWhatIsHitIsLost) {
  EXPECT_TRUE(rc::check("salvage(damaged raw block)", [](std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<NamedObject> objects;
    for (std::size_t i = random() % 60 + 1; i > 0; --i)
      objects.push_back(chunk(noise(random, random() % 9000)));
    const Bytes whole = block_of(objects, false);
    const auto directory = decode_block_directory(whole);
    RC_ASSERT(directory);
    Bytes damaged = whole;
    const std::size_t front = directory->body_offset + objects.size() * 2;  // no length is longer
    for (std::size_t i = random() % 3 + 1; i > 0; --i) {
      const std::size_t at = front + random() % (whole.size() - front);
      if (random() % 2 == 0) {
        damaged[at] ^= static_cast<std::uint8_t>(1u << random() % 8);
      } else {
        zero(damaged, std::max(front, at / kSectorBytes * kSectorBytes),
             (at / kSectorBytes + 1) * kSectorBytes);
      }
    }
    const std::set<std::uint32_t> found = indices(salvage_block(damaged, {}), objects);
    std::size_t at = whole.size() - kBlockChecksumBytes;
    for (std::size_t i = objects.size(); i-- > 0;) {
      at -= objects[i].object.payload.size();
      const ByteView before = ByteView(whole).subspan(at, objects[i].object.payload.size());
      const ByteView now = ByteView(damaged).subspan(at, objects[i].object.payload.size());
      RC_ASSERT(found.contains(static_cast<std::uint32_t>(i)) == std::ranges::equal(before, now));
    }
  }));
}

TEST(BlockSalvageTest, NothingFalseEverComesOut) {
  EXPECT_TRUE(rc::check("whatever comes out is what its id says", [](std::uint64_t seed) {
    FormatValues values(seed);
    std::mt19937_64 random(seed);
    const bool is_metadata_block = values.chance(50);
    std::vector<NamedObject> objects;
    for (std::size_t i = values.below(30) + 1; i > 0; --i) {
      NamedObject named = chunk(values.chance(50) ? lines(random, values.below(9000)) : noise(random, 300));
      if (is_metadata_block) {
        named.object = encode_tree_page(values.tree_page(20));
        named.id = object_id(named.object);
      }
      objects.push_back(std::move(named));
    }
    Bytes damaged = block_of(objects, values.chance(70));
    for (std::size_t i = values.below(4) + 1; i > 0; --i) {
      const std::size_t at = values.below(damaged.size());
      if (values.chance(50)) damaged[at] ^= static_cast<std::uint8_t>(random() | 1);
      if (values.chance(20)) zero(damaged, at, at + values.below(5000));
      if (values.chance(5)) damaged.resize(at + 1);
    }
    std::vector<KnownObject> known = values.chance(50) ? all_known_with_lengths(objects) : all_known(objects);
    for (KnownObject& object : known) {
      if (values.chance(5)) object.index = static_cast<std::uint32_t>(random());
      if (values.chance(5)) object.payload_bytes = static_cast<std::uint32_t>(random());
      if (values.chance(5)) object.kind = ObjectKind::snapshot;
    }
    if (values.chance(40)) known.clear();
    for (const SalvagedObject& one : salvage_block(damaged, known))
      RC_ASSERT(object_id(one.object.object) == one.object.id);
  }));
}

TEST(BlockSalvageTest, OfAPackedBlockWhatStandsBeforeTheDamageComesOutAndMostOfTheRest) {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6, 7, 8}) {
    const std::vector<NamedObject> objects = many_chunks(seed, 300, 6000);
    const Bytes whole = block_of(objects, true);
    const auto directory = decode_block_directory(whole);
    ASSERT_TRUE(directory);
    ASSERT_EQ(directory->suite, BlockSuite::plain_zstd);
    std::mt19937_64 random(seed);
    // Beyond the first piece, which says where everything is.
    const std::size_t at = directory->body_offset + directory->body_bytes / 16 * (2 + random() % 12);
    for (const bool is_sector : {false, true}) {
      Bytes damaged = whole;
      damaged[at] ^= 0x10;
      if (is_sector) zero(damaged, at, at + kSectorBytes);
      const std::set<std::uint32_t> found = indices(salvage_block(damaged, {}), objects);
      std::size_t raw_at = directory->raw_bytes;
      for (std::size_t i = objects.size(); i-- > 0;)
        raw_at -= objects[i].object.payload.size();
      // All shrink alike; a piece is 128 KiB, and the one before may be just in it.
      const std::size_t reaches =
          (at - directory->body_offset) * directory->raw_bytes / directory->body_bytes - (200 << 10);
      for (std::size_t i = 0; i < objects.size(); ++i) {
        raw_at += objects[i].object.payload.size();
        if (raw_at > reaches) break;
        EXPECT_TRUE(found.contains(static_cast<std::uint32_t>(i))) << i << " seed " << seed;
      }
      EXPECT_GT(found.size(), objects.size() * 3 / 4) << "seed " << seed << " at " << at;
      EXPECT_LT(found.size(), objects.size());
    }
  }
}

TEST(BlockSalvageTest, ALostHeaderOfAPieceEndsNothing) {
  const std::vector<NamedObject> objects = many_chunks(3, 300, 6000);
  const Bytes whole = block_of(objects, true);
  const auto directory = decode_block_directory(whole);
  ASSERT_TRUE(directory);
  std::size_t at = directory->body_offset + 10;  // larger than a window, so the frame names that as well
  if ((whole[directory->body_offset + 4] & 0x20) != 0) at -= 1;
  for (int piece = 0; piece < 5; ++piece)
    at += 3 + ((whole[at] | whole[at + 1] << 8 | whole[at + 2] << 16) >> 3);
  Bytes damaged = whole;
  damaged[at + 1] ^= 0xff;
  EXPECT_GT(indices(salvage_block(damaged, {}), objects).size(), objects.size() * 3 / 4);
  zero(damaged, at - 100, at + 100);
  EXPECT_GT(indices(salvage_block(damaged, {}), objects).size(), objects.size() * 3 / 4);
}

TEST(BlockSalvageTest, ALostHeaderIsMadeUpForByWhatIsKnown) {
  for (const bool is_packed : {false, true}) {
    const std::vector<NamedObject> objects = many_chunks(4, 300, 4000);
    const std::vector<KnownObject> known = all_known(objects);
    const Bytes block = block_of(objects, is_packed);
    Bytes damaged = block;
    zero(damaged, 0, kSectorBytes - 100);  // with it some ids are lost
    EXPECT_TRUE(salvage_block(damaged, {}).empty());
    EXPECT_EQ(indices(salvage_block(damaged, known), objects).size(), objects.size());
    // Somewhere behind the header of its record, and the next one behind it.
    Bytes amid(2072, 0x55);
    append(amid, block);
    append(amid, Bytes(9000, 0xaa));
    EXPECT_EQ(indices(salvage_block(amid, known), objects).size(), objects.size());
    // The last ones are garbage, which nobody knows any more.
    std::vector<KnownObject> some = known;
    some.resize(known.size() - 10);
    EXPECT_GE(indices(salvage_block(damaged, some), objects).size(), some.size());
    Bytes padded = damaged;
    padded.resize((damaged.size() + 7) / 8 * 8);
    EXPECT_GE(indices(salvage_block(padded, some), objects).size(), some.size());
  }
}

TEST(BlockSalvageTest, KnownLengthsMakeUpForLostOnes) {
  for (const bool is_packed : {false, true}) {
    const std::vector<NamedObject> objects = many_chunks(5, 300, 4000);
    Bytes damaged = block_of(objects, is_packed);
    const std::size_t body = decode_block_directory(damaged)->body_offset;
    zero(damaged, body, body + kSectorBytes);
    EXPECT_EQ(salvage_block(damaged, {}).size(), 0u);
    const auto found = indices(salvage_block(damaged, all_known_with_lengths(objects)), objects);
    EXPECT_GT(found.size(), objects.size() * 3 / 4) << is_packed;
    // The last ones are placed from the end.
    auto known = all_known_with_lengths(objects);
    known.erase(known.begin(), known.begin() + 100);
    EXPECT_GE(indices(salvage_block(damaged, known), objects).size(), is_packed ? 150u : 200u);
  }
}

TEST(BlockSalvageTest, OnePageOfManyIsLost) {
  FormatValues values(7);
  std::vector<NamedObject> objects;
  for (int i = 0; i < 40; ++i) {
    NamedObject named;
    named.object = encode_tree_page(values.tree_page(20));
    named.id = object_id(named.object);
    objects.push_back(std::move(named));
  }
  const Bytes whole = block_of(objects, false);
  const auto directory = decode_block_directory(whole);
  ASSERT_TRUE(directory);
  Bytes damaged = whole;
  damaged[directory->body_offset + directory->body_bytes / 2] ^= 1;
  EXPECT_GE(indices(salvage_block(damaged, {}), objects).size(), objects.size() - 1);
  damaged = whole;
  damaged[kBlockHeaderBytes + 5 * ObjectId::kSize] ^= 1;  // an id
  EXPECT_EQ(indices(salvage_block(damaged, {}), objects).size(), objects.size() - 1);
  EXPECT_EQ(indices(salvage_block(damaged, all_known(objects)), objects).size(), objects.size());
  damaged = whole;
  damaged[kBlockHeaderBytes + 40 * ObjectId::kSize + 7] = 0;  // a kind
  EXPECT_EQ(indices(salvage_block(damaged, {}), objects).size(), objects.size() - 1);
  damaged = whole;
  damaged[directory->body_offset - 1] ^= 1;  // the last reference
  EXPECT_EQ(indices(salvage_block(damaged, all_known(objects)), objects).size(), objects.size() - 1);
}

// A million pieces of one byte, as nobody makes them.
TEST(BlockSalvageTest, AFrameOfCrumbsCostsLittle) {
  Bytes frame = {0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0x40, 0};
  while (frame.size() < kMaxBlockRawBytes - 4)
    append(frame, Bytes{0x0a, 0, 0, 0x55});
  BlockDirectory directory{.suite = BlockSuite::plain_zstd, .raw_bytes = kMaxBlockRawBytes};
  directory.objects = {{.id = chunk({}).id}};
  EXPECT_TRUE(salvage_block(encode_block(directory, frame), {}).empty());
}

TEST(BlockSalvageTest, AnyBytesAreTaken) {
  const std::vector<NamedObject> objects = many_chunks(6, 3, 200);
  for (const bool is_packed : {false, true}) {
    EXPECT_TRUE(test::for_each_damage(block_of(objects, is_packed), [&](const Bytes& bytes) {
      for (const auto& known : {std::vector<KnownObject>(), all_known_with_lengths(objects)})
        static_cast<void>(indices(salvage_block(bytes, known), objects));
      return true;
    }));
  }
  EXPECT_TRUE(salvage_block({}, all_known(objects)).empty());
}

}  // namespace
}  // namespace rb
