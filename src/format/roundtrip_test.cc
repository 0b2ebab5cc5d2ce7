// Properties of the encodings of objects: what goes in comes out, and nothing else than what came out is
// accepted.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "support/canonical.h"
#include "support/format_values.h"

namespace rb {
namespace {

using test::FormatValues;

template <typename Check>
void for_seeds(const char* what, Check check) {
  EXPECT_TRUE(rc::check(what, [&](std::uint64_t seed) {
    FormatValues values(seed);
    check(values);
  }));
}

TEST(RoundtripTest, ValidEntriesPassTheirCheck) {
  for_seeds("check_entry", [](FormatValues& values) {
    const Status status = check_entry(values.entry(values.name()));
    RC_ASSERT(status.has_value());
  });
}

TEST(RoundtripTest, TreePages) {
  for_seeds("decode(encode(page)) = page", [](FormatValues& values) {
    const TreePage page = values.tree_page(300);
    const Object object = encode_tree_page(page);
    const Result<TreePage> again = decode_tree_page(object.refs, object.payload);
    RC_ASSERT(again.has_value());
    RC_ASSERT(*again == page);
  });
}

// What builders of pages add up must never be less than what the page then takes.
TEST(RoundtripTest, EntriesTakeAtMostWhatTheySay) {
  for_seeds("page <= sum of entry_bytes_max", [](FormatValues& values) {
    const TreePage page = values.leaf(100);
    const Object object = encode_tree_page(page);
    constexpr std::size_t kPageHeader = 64;
    std::size_t bound = kPageHeader;
    for (const Entry& entry : page.entries) {
      bound += entry_bytes_max(entry);
    }
    RC_ASSERT(object.payload.size() + object.refs.size() * ObjectId::kSize <= bound);
  });
}

TEST(RoundtripTest, ChunkLists) {
  for_seeds("decode(encode(page)) = page", [](FormatValues& values) {
    const ChunkListPage page = values.chunk_list(300);
    const Object object = encode_chunk_list(page);
    const Result<ChunkListPage> again = decode_chunk_list(object.refs, object.payload);
    RC_ASSERT(again.has_value());
    RC_ASSERT(*again == page);
  });
}

TEST(RoundtripTest, Snapshots) {
  for_seeds("decode(encode(snapshot)) = snapshot", [](FormatValues& values) {
    const Snapshot snapshot = values.snapshot();
    const Object object = encode_snapshot(snapshot);
    const Result<Snapshot> again = decode_snapshot(object.refs, object.payload);
    RC_ASSERT(again.has_value());
    RC_ASSERT(*again == snapshot);
  });
}

// A damaged payload is refused, or is the one encoding of another value.
void check_damage(const Object& object) {
  Object damaged = object;
  RC_ASSERT(test::for_each_damage(object.payload, [&](const Bytes& payload) {
    damaged.payload = payload;
    return test::refused_or_canonical(damaged);
  }));
}

void check_reference_damage(const Object& object) {
  Object damaged = object;
  if (!object.refs.empty()) {
    damaged.refs.pop_back();
    RC_ASSERT(!test::recode(damaged).has_value());
    damaged.refs = object.refs;
    damaged.refs.push_back(object.refs.front());
    RC_ASSERT(!test::recode(damaged).has_value());
  }
  damaged.refs = object.refs;
  damaged.refs.push_back(ObjectId{});
  RC_ASSERT(!test::recode(damaged).has_value());
}

TEST(RoundtripTest, OnlyCanonicalTreePagesAreAccepted) {
  for_seeds("refused or canonical", [](FormatValues& values) {
    const Object object = encode_tree_page(values.tree_page(6));
    check_damage(object);
    check_reference_damage(object);
  });
}

TEST(RoundtripTest, OnlyCanonicalChunkListsAreAccepted) {
  for_seeds("refused or canonical", [](FormatValues& values) {
    const Object object = encode_chunk_list(values.chunk_list(12));
    check_damage(object);
    check_reference_damage(object);
  });
}

TEST(RoundtripTest, OnlyCanonicalSnapshotsAreAccepted) {
  for_seeds("refused or canonical", [](FormatValues& values) {
    const Object object = encode_snapshot(values.snapshot());
    check_damage(object);
    check_reference_damage(object);
  });
}

}  // namespace
}  // namespace rb
