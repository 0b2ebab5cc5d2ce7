// What every FileSystem does, real or fake.
#include "base/file_system.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/fake_file_system.h"

namespace rb {
namespace {

struct Scene {
  virtual ~Scene() = default;
  virtual FileSystem& fs() = 0;
  virtual std::string path(const std::string& name) = 0;
};

struct RealScene final : Scene {
  RealScene() {
    std::string name = testing::TempDir() + "/file_system_XXXXXX";
    directory = ::mkdtemp(name.data());
  }
  ~RealScene() override { std::filesystem::remove_all(directory); }
  FileSystem& fs() override { return *real; }
  std::string path(const std::string& name) override { return directory + "/" + name; }
  std::string directory;
  std::unique_ptr<FileSystem> real = make_posix_file_system();
};

struct FakeScene final : Scene {
  FileSystem& fs() override { return fake; }
  std::string path(const std::string& name) override { return "/" + name; }
  FakeFileSystem fake;
};

template <typename T>
class FileSystemTest : public testing::Test {
 protected:
  T scene_;
  FileSystem& fs_ = scene_.fs();
  std::string p(const std::string& name) { return scene_.path(name); }
  std::string text(const std::string& name) {
    const Result<Bytes> content = read_file(fs_, p(name), 1 << 20);
    return content ? std::string(as_text(*content))
                   : "<" + std::string(to_string(content.error().code)) + ">";
  }
  void make(const std::string& name, std::string_view content) {
    auto file = fs_.open(p(name), OpenMode::create_new);
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE((*file)->write_at(0, as_bytes(content)).has_value());
    ASSERT_TRUE((*file)->sync().has_value());
  }
};
using Scenes = testing::Types<RealScene, FakeScene>;
TYPED_TEST_SUITE(FileSystemTest, Scenes);

TYPED_TEST(FileSystemTest, ReadsWhatWasWritten) {
  this->make("a", "hello");
  EXPECT_EQ(this->text("a"), "hello");
}

TYPED_TEST(FileSystemTest, WritingBeyondTheEndLeavesZeros) {
  auto file = this->fs_.open(this->p("a"), OpenMode::create_new);
  ASSERT_TRUE(file.has_value());
  ASSERT_TRUE((*file)->write_at(2, as_bytes("x")).has_value());
  EXPECT_EQ(this->text("a"), std::string("\0\0x", 3));
  EXPECT_EQ(*(*file)->size(), 3u);
}

// Whole blocks past the cache, parts of them through it, and parts of blocks that went past it before.
TYPED_TEST(FileSystemTest, WritesPastTheCacheAndThroughItMakeOneFile) {
  auto file = this->fs_.open(this->p("a"), OpenMode::create_new);
  ASSERT_TRUE(file.has_value());
  (*file)->bypass_cache();
  const std::size_t size = 8 * kDeviceBlock + 100;
  const std::unique_ptr<std::uint8_t, decltype(&std::free)> memory(
      static_cast<std::uint8_t*>(std::aligned_alloc(kDeviceBlock, 9 * kDeviceBlock)), &std::free);
  for (std::size_t i = 0; i < size; ++i)
    memory.get()[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  const ByteView all(memory.get(), size);
  const auto write = [&](std::size_t begin, std::size_t end) {
    ASSERT_TRUE((*file)->write_at(begin, all.subspan(begin, end - begin)).has_value());
  };
  write(0, 80);
  write(0, 3 * kDeviceBlock);
  write(3 * kDeviceBlock, 3 * kDeviceBlock + 17);
  ASSERT_TRUE((*file)->sync().has_value());
  write(3 * kDeviceBlock, 8 * kDeviceBlock);
  write(8 * kDeviceBlock, size);
  ASSERT_TRUE((*file)->sync().has_value());
  EXPECT_TRUE(this->text("a") == as_text(all));
  Bytes unaligned(2 * kDeviceBlock);
  EXPECT_EQ(*(*file)->read_at(kDeviceBlock, unaligned), unaligned.size());
  EXPECT_TRUE(std::ranges::equal(unaligned, all.subspan(kDeviceBlock, unaligned.size())));
}

TYPED_TEST(FileSystemTest, ReadIsShortOnlyAtTheEnd) {
  this->make("a", "hello");
  auto file = this->fs_.open(this->p("a"), OpenMode::read);
  ASSERT_TRUE(file.has_value());
  Bytes buffer(4);
  EXPECT_EQ(*(*file)->read_at(0, buffer), 4u);
  EXPECT_EQ(*(*file)->read_at(3, buffer), 2u);
  EXPECT_EQ(*(*file)->read_at(99, buffer), 0u);
}

TYPED_TEST(FileSystemTest, WriteModeChangesWhatIsThere) {
  this->make("a", "hello");
  auto file = this->fs_.open(this->p("a"), OpenMode::write);
  ASSERT_TRUE(file.has_value());
  ASSERT_TRUE((*file)->write_at(1, as_bytes("A")).has_value());
  EXPECT_EQ(this->text("a"), "hAllo");
}

TYPED_TEST(FileSystemTest, ReadModeDoesNotWrite) {
  this->make("a", "hello");
  auto file = this->fs_.open(this->p("a"), OpenMode::read);
  ASSERT_TRUE(file.has_value());
  EXPECT_FALSE((*file)->write_at(0, as_bytes("x")).has_value());
  EXPECT_TRUE((*file)->sync().has_value());
  EXPECT_EQ(this->text("a"), "hello");
}

TYPED_TEST(FileSystemTest, OpeningWhatIsMissingIsNotFound) {
  for (const OpenMode mode : {OpenMode::read, OpenMode::write}) {
    EXPECT_EQ(this->fs_.open(this->p("a"), mode).error().code, Errc::not_found);
  }
  EXPECT_EQ(this->fs_.open(this->p("no/a"), OpenMode::create_new).error().code, Errc::not_found);
  EXPECT_EQ(this->fs_.list(this->p("no")).error().code, Errc::not_found);
  EXPECT_EQ(this->fs_.remove(this->p("no")).error().code, Errc::not_found);
  EXPECT_EQ(this->fs_.rename(this->p("no"), this->p("b")).error().code, Errc::not_found);
}

TYPED_TEST(FileSystemTest, CreatingNeverReplaces) {
  this->make("a", "hello");
  EXPECT_EQ(this->fs_.open(this->p("a"), OpenMode::create_new).error().sys_errno, EEXIST);
  EXPECT_EQ(this->text("a"), "hello");
}

TYPED_TEST(FileSystemTest, RenameReplaces) {
  this->make("a", "new");
  this->make("b", "old");
  ASSERT_TRUE(this->fs_.rename(this->p("a"), this->p("b")).has_value());
  EXPECT_EQ(this->text("b"), "new");
  EXPECT_FALSE(*this->fs_.exists(this->p("a")));
}

TYPED_TEST(FileSystemTest, DirectoriesListSortedNames) {
  ASSERT_TRUE(this->fs_.create_directory(this->p("d")).has_value());
  ASSERT_TRUE(this->fs_.create_directory(this->p("d")).has_value());
  this->make("d/b", "");
  this->make("d/a", "");
  ASSERT_TRUE(this->fs_.sync_directory(this->p("d")).has_value());
  EXPECT_EQ(*this->fs_.list(this->p("d")), (std::vector<std::string>{"a", "b"}));
  ASSERT_TRUE(this->fs_.remove(this->p("d/a")).has_value());
  EXPECT_EQ(*this->fs_.list(this->p("d")), (std::vector<std::string>{"b"}));
}

TYPED_TEST(FileSystemTest, AFileIsNoDirectory) {
  this->make("a", "");
  EXPECT_FALSE(this->fs_.create_directory(this->p("a")).has_value());
  EXPECT_FALSE(this->fs_.list(this->p("a")).has_value());
  EXPECT_FALSE(*this->fs_.exists(this->p("a/b")));
}

TYPED_TEST(FileSystemTest, OpenFileOutlivesItsName) {
  this->make("a", "hello");
  auto file = this->fs_.open(this->p("a"), OpenMode::read);
  ASSERT_TRUE(file.has_value());
  ASSERT_TRUE(this->fs_.remove(this->p("a")).has_value());
  Bytes buffer(5);
  EXPECT_EQ(*(*file)->read_at(0, buffer), 5u);
}

TYPED_TEST(FileSystemTest, AtomicWriteReplacesAndLeavesNothingBehind) {
  ASSERT_TRUE(write_file_atomically(this->fs_, this->p("a"), as_bytes("one")).has_value());
  this->make("a.new", "left by a crash");
  ASSERT_TRUE(write_file_atomically(this->fs_, this->p("a"), as_bytes("two")).has_value());
  EXPECT_EQ(this->text("a"), "two");
  EXPECT_FALSE(*this->fs_.exists(this->p("a.new")));
}

TYPED_TEST(FileSystemTest, ReadFileRefusesWhatIsTooLong) {
  this->make("a", "hello");
  EXPECT_TRUE(read_file(this->fs_, this->p("a"), 5).has_value());
  EXPECT_EQ(read_file(this->fs_, this->p("a"), 4).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace rb
