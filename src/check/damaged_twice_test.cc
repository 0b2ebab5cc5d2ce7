// Damage to a pack together with something else: its parity, its header, the catalog.
#include "support/check_bench.h"

namespace rb::test {

namespace {

class DamagedTwiceTest : public CheckBench {
 protected:
  // A sealed pack with parity; gives its path.
  std::string make_protected_pack() {
    chunks_ = back_up({noise(1), noise(2), noise(3)}, 1);
    open();
    EXPECT_EQ(text(check(true)), "");
    pack_ = place_of(chunks_[1]).pack;
    EXPECT_TRUE(keeper_->has_parity(pack_));
    return core().packs().path(pack_);
  }
  void rebuild() {
    close();
    *catalog_ = {};
    open();
    EXPECT_TRUE(repository_->report().catalog_rebuilt);
  }

  std::vector<ObjectId> chunks_;
  std::uint64_t pack_ = 0;
};

TEST_F(DamagedTwiceTest, ACatalogMadeAnewHasWhatTheParityGives) {
  const std::string path = make_protected_pack();
  const Bytes before = *fs_.contents(path);
  damage(place_of(chunks_[1]));
  rebuild();
  EXPECT_EQ(repository_->report().incomplete_objects, 0u);
  EXPECT_TRUE(readable(chunks_[1]));
  EXPECT_EQ(check(true).damage_count, 0u);
  EXPECT_EQ(*fs_.contents(path), before);
}

TEST_F(DamagedTwiceTest, ACatalogMadeAnewHasWhatStoodAtALostEnd) {
  const std::string path = make_protected_pack();
  const Bytes before = *fs_.contents(path);
  close();
  fs_.truncate(path, before.size() - 500);
  rebuild();
  EXPECT_EQ(repository_->report().incomplete_objects, 0u);
  EXPECT_EQ(check(true).damage_count, 0u);
  EXPECT_EQ(*fs_.contents(path), before);
}

TEST_F(DamagedTwiceTest, ParityIsMadeAgainWithThePack) {
  const std::string path = make_protected_pack(), parity_path = core().packs().parity_path(pack_);
  const Bytes before = *fs_.contents(path), parity_before = *fs_.contents(parity_path);
  damage(place_of(chunks_[1]));
  fs_.flip_bit(parity_path, 77);
  EXPECT_EQ(check(true).damage_count, 0u);
  EXPECT_EQ(*fs_.contents(path), before);
  EXPECT_EQ(*fs_.contents(parity_path), parity_before);
}

TEST_F(DamagedTwiceTest, AHeaderThatNothingCorrectsIsToldOf) {
  const std::string path = make_protected_pack();
  fs_.erase(core().packs().parity_path(pack_));
  fs_.flip_bit(path, 77);
  keeper_->set_parity_percent(0);
  const Findings found = check(true);
  EXPECT_EQ(found.damage_count, 0u) << text(found);
  ASSERT_EQ(found.list.size(), 1u) << text(found);
  EXPECT_EQ(found.list[0].kind, FindingKind::spare);
  EXPECT_NE(text(found).find("header of the pack"), std::string::npos);
}

}  // namespace

}  // namespace rb::test
