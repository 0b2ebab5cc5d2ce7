#include "format/object.h"

#include <set>

#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/limits.h"
#include "support/filled_id.h"

namespace rb {
namespace {

using test::filled_id;

constexpr std::array kKinds = {ObjectKind::chunk, ObjectKind::chunk_list, ObjectKind::tree,
                               ObjectKind::snapshot};

TEST(ObjectTest, TheSameBytesHaveAnotherIdAsEachKind) {
  const Bytes payload = {1, 2, 3};
  std::set<ObjectId> ids;
  for (const ObjectKind kind : kKinds)
    ids.insert(object_id(kind, {}, payload));
  EXPECT_EQ(ids.size(), kKinds.size());
}

TEST(ObjectTest, BytesCannotMoveBetweenReferencesAndPayload) {
  const std::vector<ObjectId> refs = {filled_id(1), filled_id(2)};
  Bytes payload = {7};
  const ObjectId both = object_id(ObjectKind::tree, refs, payload);
  Bytes longer(refs[1].bytes.begin(), refs[1].bytes.end());
  longer.push_back(7);
  EXPECT_NE(both, object_id(ObjectKind::tree, std::span(refs).first(1), longer));
  EXPECT_NE(both, object_id(ObjectKind::tree, std::vector{refs[1], refs[0]}, payload));
}

// The id of a chunk is that of its bytes alone, so that files can be hashed in one call.
TEST(ObjectTest, AChunkIsHashedAlone) {
  const Bytes payload(5000, 42);
  Hasher hasher(derive_key("rbbackup object v0 chunk", {}));
  EXPECT_EQ(object_id(ObjectKind::chunk, {}, payload).bytes, hasher.update(payload).digest().bytes);
}

TEST(ObjectTest, OnlyKnownKindsAreValid) {
  int valid = 0;
  for (unsigned kind = 0; kind < 256; ++kind)
    valid += is_valid_kind(static_cast<std::uint8_t>(kind)) ? 1 : 0;
  EXPECT_EQ(valid, 4);
  for (const ObjectKind kind : kKinds)
    EXPECT_TRUE(is_valid_kind(static_cast<std::uint8_t>(kind)));
}

TEST(ObjectTest, WhoMayReferToWhom) {
  const auto allowed = [](ObjectKind parent) {
    std::string children;
    for (const ObjectKind child : kKinds)
      children += may_refer(parent, child) ? '1' : '0';
    return children;
  };
  EXPECT_EQ(allowed(ObjectKind::chunk), "0000");
  EXPECT_EQ(allowed(ObjectKind::chunk_list), "1100");
  EXPECT_EQ(allowed(ObjectKind::tree), "1110");
  EXPECT_EQ(allowed(ObjectKind::snapshot), "0010");
}

TEST(ObjectTest, HowManyReferencesAKindMayHave) {
  EXPECT_TRUE(valid_ref_count(ObjectKind::chunk, 0));
  EXPECT_FALSE(valid_ref_count(ObjectKind::chunk, 1));
  EXPECT_TRUE(valid_ref_count(ObjectKind::tree, kMaxObjectRefs));
  EXPECT_FALSE(valid_ref_count(ObjectKind::tree, kMaxObjectRefs + 1));
  EXPECT_FALSE(valid_ref_count(ObjectKind::snapshot, 0));
  EXPECT_TRUE(valid_ref_count(ObjectKind::snapshot, 1));
  EXPECT_FALSE(valid_ref_count(ObjectKind::snapshot, 2));
}

}  // namespace
}  // namespace rb
