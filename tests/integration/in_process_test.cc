// The client's logic against a server's service, in one process and without any network: BackupRun and
// RestoreRun over a Store that speaks the protocol to an api::Service by function calls, and a repository on
// a real disk behind it.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "backup/backup.h"
#include "base/random.h"
#include "repository/local_repository.h"
#include "restore/history.h"
#include "restore/restore.h"
#include "store/object_reader.h"
#include "support/service_store.h"
#include "support/temp_directory.h"

namespace rb::test {
namespace {

namespace fs = std::filesystem;

class InProcess : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = LocalRepository::open(scratch_ / "repository", {});
    ASSERT_TRUE(opened) << opened.error().message;
    repository_ = std::move(*opened);
    service_ = std::make_unique<api::Service>(
        [this](const api::Peer& peer) {
          return repository_->store_for(LocalUser{peer.uid, peer.user});
        },
        clock_, api::ServiceOptions{});
    fs::create_directories(tree_ + "/sub/empty");
    write("a", "alpha");
    write("sub/large", std::string(3'000'000, 'x') + "end");
    write("sub/b", std::string(2000, 'b'));
    fs::create_symlink("a", tree_ + "/link");
  }

  void write(const std::string& name, const std::string& content) {
    std::ofstream(tree_ + "/" + name, std::ios::binary) << content;
  }

  std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  Result<BackupReport> back_up(std::uint32_t uid) {
    ServiceStore store(*service_, {.uid = uid, .user = "user" + std::to_string(uid), .address = "test"});
    BackupOptions options;
    options.paths = {tree_};
    options.recursive = options.remove_absent = true;
    options.cache_directory = scratch_ / ("cache" + std::to_string(uid));
    BackupRun run(store, options, {}, clock_);
    return run.run();
  }

  Result<RestoreReport> restore(std::uint32_t uid, const std::string& target) {
    ServiceStore store(*service_, {.uid = uid, .user = "user" + std::to_string(uid), .address = "test"});
    RB_TRY(auto session, store.begin({.run = random_id<RunId>(), .purpose = SessionPurpose::read}));
    if (!session->info().head) return fail(Errc::not_found, "nothing has been backed up yet");
    ObjectReader objects(*session);
    RB_TRY(Snapshot snapshot, load_snapshot(objects, *session->info().head));
    RestoreOptions options;
    options.paths = {tree_};
    options.to_directory = target;
    RestoreRun run(*session, snapshot, options, {});
    return run.run();
  }

  TempDirectory scratch_;
  const std::string tree_ = scratch_ / "tree";
  const SystemClock clock_;
  std::unique_ptr<LocalRepository> repository_;
  std::unique_ptr<api::Service> service_;
};

TEST_F(InProcess, ThereAndBack) {
  const auto first = back_up(0);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->counts.created, 7u);
  const auto restored = restore(0, scratch_ / "restored");
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(restored->failed, 0u);
  for (const char* name : {"a", "sub/large", "sub/b"}) {
    EXPECT_EQ(read(scratch_ / ("restored/tree/" + std::string(name))), read(tree_ + "/" + name)) << name;
  }
  EXPECT_TRUE(fs::is_directory(scratch_ / "restored/tree/sub/empty"));
}

TEST_F(InProcess, ASecondRunSendsWhatChanged) {
  ASSERT_TRUE(back_up(0));
  write("a", "changed");
  fs::remove(tree_ + "/sub/b");
  const auto second = back_up(0);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->counts.removed, 1u);
  EXPECT_LT(second->counts.bytes_sent, 10'000u);
  ASSERT_TRUE(restore(0, scratch_ / "restored"));
  EXPECT_EQ(read(scratch_ / "restored/tree/a"), "changed");
  EXPECT_FALSE(fs::exists(scratch_ / "restored/tree/sub/b"));
}

TEST_F(InProcess, AnotherUserSeesNothingOfIt) {
  ASSERT_TRUE(back_up(0));
  const auto other = restore(12345, scratch_ / "restored");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::not_found);
}

}  // namespace
}  // namespace rb::test
