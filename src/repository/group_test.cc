// What nodes of one domain share, and what nobody learns of another domain.
#include <algorithm>

#include "support/registry_fixture.h"

namespace rb::test {

namespace {

using GroupTest = RegistryFixture;

std::vector<Presence> ask(Session& session, const std::vector<ObjectId>& ids) {
  return session.ask(ids).value_or(std::vector<Presence>{});
}

// A block whose only chunk is not what its id says, checksummed as it should be.
Bytes forged_block(const NamedObject& claimed, std::string_view content) {
  BlockBuilder builder(BlockClass::data);
  builder.add(claimed.id, ObjectKind::chunk, {}, as_bytes(content));
  return builder.finish();
}

TEST_F(GroupTest, ContentIsStoredOnceAndSentOnce) {
  const Credential one = join("one", "lab"), two = join("two", "lab");
  const NamedObject chunk = make_chunk("a picture of the team");
  const auto first = begin(one), second = begin(two);
  EXPECT_EQ(ask(*first, {chunk.id}), std::vector{Presence::send});
  EXPECT_EQ(ask(*second, {chunk.id}), std::vector{Presence::wait}) << "the other is sending it";
  ASSERT_TRUE(first->put(make_block({chunk})));
  ASSERT_TRUE(first->flush());
  EXPECT_EQ(ask(*second, {chunk.id}), std::vector{Presence::have});
  // It can be relied upon.
  const NamedObject tree = make_tree("two's", {chunk.id});
  EXPECT_TRUE(second->put(make_block({tree})));
  EXPECT_TRUE(second->read(std::vector{chunk.id}, Neighbours::welcome, [](ByteView) { return Status{}; }));
  EXPECT_EQ(overview("two")->stored_bytes, make_block({tree}).size());
}

TEST_F(GroupTest, WhoBeginsIntoASharedDomainMustAsk) {
  const Credential one = join("one", "lab"), two = join("two", "lab");
  const auto first = begin(one);
  EXPECT_FALSE(first->must_ask());
  const auto second = begin(two);
  EXPECT_TRUE(first->must_ask());
  EXPECT_TRUE(second->must_ask());
}

TEST_F(GroupTest, AForgedChunkIsRefusedAndNeverFound) {
  const Credential forger = join("forger", "lab"), victim = join("victim", "lab");
  const NamedObject wanted = make_chunk("the release everybody will install");
  const auto forging = begin(forger), other = begin(victim);
  const Bytes block = forged_block(wanted, "something else entirely ...........");
  EXPECT_TRUE(refused(forging->put(block), Errc::corrupt, "is not what its id says"));
  EXPECT_EQ(overview("forger")->stored_bytes, 0u) << "nothing of it was stored";
  EXPECT_EQ(ask(*other, {wanted.id}), std::vector{Presence::send});
  EXPECT_EQ(other->read(std::vector{wanted.id}, Neighbours::welcome, [](ByteView) { return Status{}; })
                .error()
                .code,
            Errc::not_found);
  EXPECT_EQ(other->put(make_block({make_tree("t", {wanted.id})})).error().code, Errc::missing_refs);
}

TEST_F(GroupTest, AForgedChunkAmongGoodOnesTakesTheBlockWithIt) {
  const Credential forger = join("forger", "lab");
  const NamedObject good = make_chunk("good"), bad = make_chunk("bad");
  BlockBuilder builder(BlockClass::data);
  builder.add(good.id, ObjectKind::chunk, {}, good.object.payload);
  builder.add(bad.id, ObjectKind::chunk, {}, as_bytes("evil"));
  const auto session = begin(forger);
  EXPECT_TRUE(refused(session->put(builder.finish()), Errc::corrupt, to_hex(bad.id)));
  EXPECT_EQ(ask(*session, {good.id, bad.id}), std::vector(2, Presence::send));
}

TEST_F(GroupTest, ANodeAloneIsNotChecked) {
  const auto session = begin(join("alone"));
  const NamedObject claimed = make_chunk("claimed");
  EXPECT_TRUE(session->put(forged_block(claimed, "other")));
  EXPECT_TRUE(session->flush());
}

TEST_F(GroupTest, AnotherDomainsIdsAreAsIfTheyWereNot) {
  const NamedObject chunk = make_chunk("secret"), tree = make_tree("secret", {chunk.id});
  const auto member = begin(join("member", "lab"));
  ASSERT_TRUE(member->put(make_block({chunk})));
  ASSERT_TRUE(member->put(make_block({tree})));
  ASSERT_TRUE(member->flush());
  for (const auto& [name, group] : {std::pair{"stranger", ""}, std::pair{"rival", "office"}}) {
    const auto stranger = begin(join(name, group));
    EXPECT_EQ(ask(*stranger, {chunk.id, tree.id}), std::vector(2, Presence::send));
    for (const ObjectId& id : {chunk.id, tree.id}) {
      EXPECT_TRUE(
          refused(stranger->read(std::vector{id}, Neighbours::welcome, [](ByteView) { return Status{}; }),
                  Errc::not_found, ""));
      EXPECT_EQ(stranger->put(make_block({make_tree("mine", {id})})).error().code, Errc::missing_refs);
    }
    const auto probe = store_of(caller(join(std::string("probe-") + name, group)))
                           ->begin({.run = make_run(9), .cached_tree = tree.id});
    ASSERT_TRUE(probe);
    EXPECT_FALSE((*probe)->info().cache_holds);
  }
}

TEST_F(GroupTest, TwoDomainsStoreTheSameContentTwice) {
  const Credential one = join("one"), two = join("two", "lab");
  (void)commit(*begin(one), "the same");
  const std::uint64_t stored = overview("one")->stored_bytes;
  const std::uint64_t before = begin(one, 2)->status()->stored_bytes;
  (void)commit(*begin(two), "the same");
  EXPECT_EQ(overview("two")->stored_bytes, stored);
  EXPECT_GE(begin(one, 2)->status()->stored_bytes, before + stored);
}

TEST_F(GroupTest, AGroupOutlivesItsMembers) {
  const Credential one = join("one", "lab");
  (void)commit(*begin(one), "kept");
  ASSERT_TRUE(registry().remove("one"));
  open_without_catalog();
  const auto two = begin(join("two", "lab"));
  EXPECT_EQ(ask(*two, {make_chunk("kept").id}), std::vector{Presence::have});
}

}  // namespace

}  // namespace rb::test
