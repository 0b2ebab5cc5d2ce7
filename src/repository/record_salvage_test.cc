// Reading over damage that nothing corrects: what can be proven is given, and only the rest is an error.
#include "repository/record_salvage.h"

#include <random>
#include <set>

#include <gtest/gtest.h>

#include "repository/repository_core.h"
#include "support/fake_repository.h"
#include "support/store_samples.h"

namespace rb::test {

namespace {

// Does not shrink.
std::string noise(std::mt19937& random, std::size_t bytes) {
  std::string out(bytes, '\0');
  for (char& c : out)
    c = static_cast<char>(random());
  return out;
}

class RecordSalvageTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = LocalRepository::open(kFakeDirectory, fake_options(fs_, catalog_, clock_));
    ASSERT_TRUE(opened) << opened.error().message;
    repository_ = std::move(*opened);
    auto store = repository_->store_for(LocalUser{.uid = 100'001, .name = "ana"});
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
    auto session = store_->begin({.run = make_run(1)});
    ASSERT_TRUE(session) << session.error().message;
    session_ = std::move(*session);
    put_chunks();
  }

  void put_chunks() {
    std::mt19937 random(1);
    std::vector<NamedObject> chunks;
    for (int i = 0; i < 40; ++i)
      chunks.push_back(make_chunk(noise(random, 3000)));
    for (const NamedObject& chunk : chunks)
      ids_.push_back(chunk.id);
    ASSERT_TRUE(session_->put(make_block(chunks)));
    ASSERT_TRUE(session_->flush());
    const std::uint32_t domain = repository_->core().catalog().domains()->back().domain;
    const auto answer = repository_->core().index().find(domain, ids_);
    ASSERT_TRUE(answer && answer->found[0]);
    at_ = answer->found[0]->row.at;
    path_ = repository_->core().packs().path(at_.pack);
  }

  // What a reader gets, every object of it being what its id says.
  Status read(std::span<const ObjectId> ids) {
    given_.clear();
    return session_->read(ids, Neighbours::welcome, [&](ByteView block) -> Status {
      RB_TRY(const std::vector<NamedObject> objects, unpack_block(block));
      for (const NamedObject& object : objects)
        given_.insert(object.id);
      return {};
    });
  }

  FakeFileSystem fs_;
  StoppedClock clock_;
  std::shared_ptr<MemoryCatalogLog> catalog_ = std::make_shared<MemoryCatalogLog>();
  std::shared_ptr<LocalRepository> repository_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Session> session_;
  std::vector<ObjectId> ids_;
  PackPosition at_;
  std::string path_;
  std::set<ObjectId> given_;
};

TEST_F(RecordSalvageTest, ALostSectorCostsOnlyWhatStandsInIt) {
  fs_.zero(path_, at_.offset + 60'000, 4096);
  const Status all = read(ids_);
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().code, Errc::corrupt);
  EXPECT_GE(given_.size(), ids_.size() - 3);
  EXPECT_LT(given_.size(), ids_.size());
  const std::set<ObjectId> sound = given_;
  for (const ObjectId& id : ids_) {
    EXPECT_EQ(read(std::span(&id, 1)).has_value(), sound.contains(id));
    EXPECT_EQ(given_, sound.contains(id) ? std::set<ObjectId>{id} : std::set<ObjectId>()) << "and no other";
  }
}

TEST_F(RecordSalvageTest, ALostHeaderCostsNothing) {
  fs_.zero(path_, at_.offset, 64);
  EXPECT_TRUE(read(ids_));
  EXPECT_EQ(given_.size(), ids_.size());
}

TEST_F(RecordSalvageTest, OfARecordThatIsGoneNothingIsGiven) {
  fs_.zero(path_, at_.offset, 1 << 20);
  EXPECT_EQ(read(ids_).error().code, Errc::corrupt);
  EXPECT_TRUE(given_.empty());
}

}  // namespace

}  // namespace rb::test
