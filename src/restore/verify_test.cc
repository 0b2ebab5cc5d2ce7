#include "restore/verify.h"

#include <filesystem>
#include <map>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "restore/live_file.h"
#include "support/memory_objects.h"
#include "support/temp_directory.h"

namespace rb::test {
namespace {

class LiveFileTest : public testing::Test {
 protected:
  // The file as it is now, as its entry says.
  Entry entry_of(const std::string& path, const std::string& content) {
    struct stat st {};
    EXPECT_EQ(::stat(path.c_str(), &st), 0);
    Entry entry;
    entry.name = "file";
    entry.size = content.size();
    entry.mtime = {st.st_mtim.tv_sec, static_cast<std::uint32_t>(st.st_mtim.tv_nsec)};
    entry.content_kind = ContentKind::chunk;
    Object chunk{.kind = ObjectKind::chunk, .refs = {}, .payload = Bytes(content.begin(), content.end())};
    entry.content = *objects_.put(std::move(chunk));
    return entry;
  }
  void put_time_back(const std::string& path, const Entry& entry) {
    const timespec time{entry.mtime.seconds, entry.mtime.nanoseconds};
    const timespec times[] = {time, time};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
  LiveFile compare(const std::string& path, const Entry& entry) {
    const auto compared = compare_live_file(objects_, path, entry);
    EXPECT_TRUE(compared) << compared.error().message;
    return compared.value_or(LiveFile::gone);
  }

  TempDirectory directory_;
  MemoryObjects objects_;
};

TEST_F(LiveFileTest, TellsWhatBecameOfAFile) {
  const std::string path = directory_.write("file", "content");
  const Entry entry = entry_of(path, "content");
  EXPECT_EQ(compare(path, entry), LiveFile::same);
  directory_.write("file", "longer content");
  EXPECT_EQ(compare(path, entry), LiveFile::changed);
  directory_.write("file", "cOntent");
  put_time_back(path, entry);
  EXPECT_EQ(compare(path, entry), LiveFile::differs);
  directory_.write("file", "content");
  EXPECT_EQ(compare(path, entry), LiveFile::same) << "whatever its time";
  std::filesystem::remove(path);
  EXPECT_EQ(compare(path, entry), LiveFile::gone);
  std::filesystem::create_symlink("elsewhere", path);
  EXPECT_EQ(compare(path, entry), LiveFile::changed);
  std::filesystem::remove(path);
  directory_.mkdir("file");
  EXPECT_EQ(compare(path, entry), LiveFile::changed);
  EXPECT_EQ(compare(path + "/beneath", entry), LiveFile::gone);
}

TEST_F(LiveFileTest, ComparesInlineContentsAndEmptyFiles) {
  Entry entry;
  entry.content_kind = ContentKind::inline_bytes;
  entry.inline_content = {'a', 'b'};
  entry.size = 2;
  const std::string path = directory_.write("file", "ab");
  EXPECT_EQ(compare(path, entry), LiveFile::same);
  directory_.write("file", "aB");
  EXPECT_EQ(compare(path, entry), LiveFile::changed);
  const Entry empty;
  EXPECT_EQ(compare(directory_.write("empty", ""), empty), LiveFile::same);
}

}  // namespace
}  // namespace rb::test
