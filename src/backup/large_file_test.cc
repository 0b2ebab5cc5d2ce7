// A file is cut at the same places whoever reads it: one thread or several, with what the copy has of it or
// without.
#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>

#include "backup/backup_test_support.h"
#include "backup/extent_scan.h"
#include "backup/file_reader.h"
#include "base/unique_fd.h"

namespace rb::test {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

Client fresh_client(const ChunkParams& params = {}) {
  return Client(make_memory_repository(params));
}

ObjectId content_of(Client& client, const std::string& path) {
  const auto entry = client.entry(path);
  EXPECT_TRUE(entry) << path;
  return entry ? entry->content : ObjectId{};
}

// As another node would name the content, that knows nothing of it and reads it with one thread.
ObjectId content_cut_anew(const std::string& path, const ChunkParams& params = {}) {
  Client client = fresh_client(params);
  EXPECT_TRUE(client.back_up({path}, "-r", [](BackupOptions& options) { options.threads = 1; }));
  return content_of(client, path);
}

void punch_hole(const std::string& path, std::uint64_t begin, std::uint64_t length) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY));
  ASSERT_EQ(::fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(begin),
                        static_cast<off_t>(length)),
            0);
}

// Noise, zeros that are cut nowhere for longer than a segment, noise that comes twice, a hole.
std::string varied_content() {
  const std::string some = noise(24 * kMiB, 1);
  return some + std::string(40 * kMiB, '\0') + noise(9 * kMiB, 2) + some + noise(11 * kMiB + 77, 3);
}

class LargeFile : public testing::Test {
 protected:
  LargeFile() {
    write_file(file_, varied_content());
    punch_hole(file_, 70 * kMiB, 3 * kMiB);
  }
  ScratchDirectory scratch_;
  const std::string file_ = scratch_ / "large";
};

TEST_F(LargeFile, IsCutBySeveralThreadsAsByOne) {
  const ObjectId alone = content_cut_anew(file_);
  for (const std::string& source : {scratch_.path(), file_}) {
    for (const int threads : {2, 5}) {
      Client client = fresh_client();
      ASSERT_TRUE(client.back_up({source}, "-r", [&](BackupOptions& options) { options.threads = threads; }));
      EXPECT_EQ(content_of(client, file_), alone) << source << " with " << threads;
    }
  }
}

TEST_F(LargeFile, ThatIsTheSameIsNeitherSentNorAskedAboutByChunk) {
  Client client = fresh_client();
  ASSERT_TRUE(client.back_up({scratch_.path()}));
  const ObjectId before = content_of(client, file_);
  const MemoryStoreStats made = client.store().stats();
  const auto again =
      client.back_up({scratch_.path()}, "-r", [](BackupOptions& options) { options.checksum = true; });
  ASSERT_TRUE(again);
  EXPECT_EQ(again->counts.unchanged, 2u);
  EXPECT_GT(again->counts.bytes_read, 100 * kMiB);
  EXPECT_LT(client.store().stats().asked_ids - made.asked_ids, 50u);  // pages of the list
  EXPECT_EQ(client.store().stats().data_block_bytes, made.data_block_bytes);
  EXPECT_EQ(content_of(client, file_), before);
}

TEST_F(LargeFile, ThatChangedHereAndThereSendsThatMuch) {
  Client client = fresh_client();
  ASSERT_TRUE(client.back_up({scratch_.path()}));
  const std::uint64_t sent_before = client.store().stats().data_block_bytes;
  std::string content = varied_content();
  content[5 * kMiB] ^= 1;             // in place
  content.insert(90 * kMiB, "more");  // what follows moves
  content += noise(kMiB, 4);
  write_file(file_, content);
  punch_hole(file_, 70 * kMiB, 3 * kMiB);
  ASSERT_TRUE(client.back_up({scratch_.path()}, "-r", [](BackupOptions& options) { options.threads = 3; }));
  EXPECT_EQ(content_of(client, file_), content_cut_anew(file_));
  EXPECT_LT(client.store().stats().data_block_bytes - sent_before, 4 * kMiB);
}

TEST_F(LargeFile, ThatBecomesShorterIsStoredAsItWasRead) {
  const std::uint64_t left = 33 * kMiB + 5;
  Client client = fresh_client();
  ASSERT_TRUE(client.back_up({scratch_.path()}));
  ASSERT_EQ(::truncate(file_.c_str(), static_cast<off_t>(left)), 0);
  ASSERT_TRUE(client.back_up({scratch_.path()}));
  EXPECT_EQ(client.entry(file_)->size, left);
  EXPECT_EQ(content_of(client, file_), content_cut_anew(file_));
}

// Where several threads cut differently at first, little is sent that the file does not need.
TEST(LargeFiles, OfNoiseAreSentOnceByManyThreads) {
  ScratchDirectory scratch;
  write_file(scratch / "noise", noise(100 * kMiB, 7));
  Client client = fresh_client();
  ASSERT_TRUE(client.back_up({scratch.path()}, "-r", [](BackupOptions& options) { options.threads = 4; }));
  EXPECT_LT(client.store().stats().data_block_bytes, 101 * kMiB);
}

// Whatever happens to a file: with the copy's help it becomes what it would become without.
TEST(KnownContent, NeverChangesWhatAFileBecomes) {
  const ChunkParams params{.min_bytes = 256, .average_bytes = 1024, .max_bytes = 4096};
  EXPECT_TRUE(rc::check([&] {
    ScratchDirectory scratch;
    const std::string file = scratch / "file";
    const auto size = *rc::gen::inRange<std::size_t>(1, 3 << 20);
    std::string content = noise(size, *rc::gen::arbitrary<unsigned char>());
    write_file(file, content);
    Client client = fresh_client(params);
    RC_ASSERT(client.back_up({scratch.path()}).has_value());
    for (int edits = *rc::gen::inRange(1, 5); edits > 0; --edits) {
      const auto at = *rc::gen::inRange<std::size_t>(0, content.size() + 1);
      const std::string more = noise(*rc::gen::inRange<std::size_t>(0, 9000), static_cast<unsigned>(at));
      switch (*rc::gen::inRange(0, 5)) {
        case 0:
          content.replace(at, std::min(more.size(), content.size() - at), more);
          break;
        case 1:
          content.insert(at, more);
          break;
        case 2:
          content.erase(at, more.size());
          break;
        case 3:
          content += more;
          break;
        default:
          content.resize(at);
      }
    }
    write_file(file, content);
    if (!content.empty() && *rc::gen::arbitrary<bool>()) {
      const auto begin = *rc::gen::inRange<std::size_t>(0, content.size());
      punch_hole(file, begin, 100'000);
    }
    const auto checksum = [](BackupOptions& options) { options.checksum = true; };
    RC_ASSERT(client.back_up({scratch.path()}, "-r", checksum).has_value());
    RC_ASSERT(content_of(client, file) == content_cut_anew(file, params));
  }));
}

TEST(ExtentScan, TellsDataAndHolesInTurn) {
  ScratchDirectory scratch;
  const std::string path = scratch / "sparse";
  write_file(path, noise(kMiB, 1));
  punch_hole(path, 0, 128 << 10);
  punch_hole(path, 512 << 10, 16 << 10);  // too small to be told
  punch_hole(path, 768 << 10, 64 << 10);
  ASSERT_EQ(::truncate(path.c_str(), 2 * kMiB), 0);
  const UniqueFd fd(::open(path.c_str(), O_RDONLY));
  ExtentScan scan(fd.get(), 2 * kMiB);
  std::vector<std::tuple<std::uint64_t, std::uint64_t, bool>> extents;
  while (const auto extent = scan.next())
    extents.emplace_back(extent->begin >> 10, extent->end >> 10, extent->is_hole);
  const decltype(extents) expected{
      {0, 128, true}, {128, 768, false}, {768, 832, true}, {832, 1024, false}, {1024, 2048, true}};
  EXPECT_EQ(extents, expected);
}

}  // namespace
}  // namespace rb::test
