// The catalog is derived from the journal, and after an accident it may know more than the journal does. What
// it then knows was acknowledged, so making it anew from what is left must not be done silently.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "repository/local_repository.h"
#include "support/store_samples.h"
#include "support/temp_directory.h"

namespace rb::test {
namespace {

class LostJournalTest : public testing::Test {
 protected:
  // Two snapshots, by two processes as it were; `kept` is the journal as it was between them.
  void SetUp() override {
    commit(1);
    std::filesystem::create_directory(kept());
    for (const char* copy : {"/journal.1", "/journal.2"})
      std::filesystem::copy(path() + copy, kept() + copy, std::filesystem::copy_options::recursive);
    commit(2);
  }
  std::string path() const { return directory_.path() + "/repository"; }
  std::string kept() const { return directory_.path() + "/kept"; }

  // Puts the older copies in the place of these.
  void lose(std::initializer_list<const char*> copies) {
    for (const char* copy : copies) {
      std::filesystem::remove_all(path() + copy);
      std::filesystem::copy(kept() + copy, path() + copy, std::filesystem::copy_options::recursive);
    }
  }

  static std::unique_ptr<Session> begin(LocalRepository& repository, std::uint8_t run) {
    const auto store = repository.store_for({.uid = 123'456, .name = "ana"});
    EXPECT_TRUE(store) << store.error().message;
    auto session = (*store)->begin({.run = make_run(run)});
    EXPECT_TRUE(session) << session.error().message;
    return std::move(*session);
  }
  void commit(std::uint8_t run) {
    const auto repository = LocalRepository::open(path(), {});
    ASSERT_TRUE(repository) << repository.error().message;
    const auto session = begin(**repository, run);
    const NamedObject tree = make_tree("tree " + std::to_string(run), {});
    const NamedObject snapshot = make_snapshot("snapshot", tree.id);
    ASSERT_TRUE(session->put(make_block({tree, snapshot})));
    const auto head = session->info().head;
    const auto result = session->commit(
        {.snapshot = snapshot.id, .expected_head = head ? std::optional(head->id) : std::nullopt});
    ASSERT_TRUE(result && result->committed);
  }
  static void damage_last_record(const std::string& segment) {
    std::fstream file(segment, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-40, std::ios::end);
    file.put('?');
    EXPECT_TRUE(file.good()) << segment;
  }
  void expect_snapshots(std::size_t count) {
    const auto repository = LocalRepository::open(path(), {});
    ASSERT_TRUE(repository) << repository.error().message;
    EXPECT_EQ(begin(**repository, 9)->snapshots({})->size(), count);
  }

  TempDirectory directory_;
};

TEST_F(LostJournalTest, EntriesThatBothCopiesLostAreNotForgottenSilently) {
  std::filesystem::create_directory(directory_.path() + "/newer");
  for (const char* copy : {"/journal.1", "/journal.2"}) {
    std::filesystem::copy(path() + copy, directory_.path() + "/newer" + copy,
                          std::filesystem::copy_options::recursive);
  }
  lose({"/journal.1", "/journal.2"});
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto opened = LocalRepository::open(path(), {});
    ASSERT_FALSE(opened) << "attempt " << attempt;
    EXPECT_EQ(opened.error().code, Errc::corrupt);
    const std::string& said = opened.error().message;
    EXPECT_NE(said.find("entry 4 "), std::string::npos) << said;
    EXPECT_NE(said.find(path() + "/catalog"), std::string::npos) << said;
  }
  // One copy put back is enough, and nothing was lost by the attempts.
  std::filesystem::copy(
      directory_.path() + "/newer/journal.2", path() + "/journal.2",
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  expect_snapshots(2);
}

TEST_F(LostJournalTest, WithoutTheCatalogItGoesOnWithWhatIsLeft) {
  lose({"/journal.1", "/journal.2"});
  std::filesystem::remove_all(path() + "/catalog");
  expect_snapshots(1);
}

// A record in the middle, in both copies: what is left is shown and nothing can be written. When a copy was
// put back, the catalog that was made meanwhile is not taken for one of the whole journal.
TEST_F(LostJournalTest, ACatalogMadeOfADamagedJournalIsMadeAnewOnceItIsWhole) {
  commit(3);
  std::filesystem::create_directory(directory_.path() + "/whole");
  std::filesystem::copy(path() + "/journal.1", directory_.path() + "/whole/journal.1",
                        std::filesystem::copy_options::recursive);
  for (const char* copy : {"/journal.1", "/journal.2"})
    damage_last_record(path() + copy + "/00000002.journal");
  std::filesystem::remove_all(path() + "/catalog");
  {
    const auto repository = LocalRepository::open(path(), {});
    ASSERT_TRUE(repository) << repository.error().message;
    EXPECT_NE((*repository)->state().read_only_reason, "");
    EXPECT_EQ(begin(**repository, 9)->snapshots({})->size(), 2u);
  }
  std::filesystem::copy(
      directory_.path() + "/whole/journal.1", path() + "/journal.1",
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  expect_snapshots(3);
}

TEST_F(LostJournalTest, WhatOneCopyLostComesFromTheOther) {
  lose({"/journal.1"});
  expect_snapshots(2);
}

}  // namespace
}  // namespace rb::test
