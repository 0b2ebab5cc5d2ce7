#include "scan/metadata.h"

#include <atomic>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/hash.h"
#include "base/limits.h"
#include "support/temp_directory.h"

namespace rb {
namespace {

using test::TempDirectory;

class MetadataTest : public testing::Test {
 protected:
  MetadataTest() : dir_(std::move(*OpenDirectory::open(AT_FDCWD, temp_.path().c_str()))) {}

  Result<Entry> read(const char* name) { return read_in(dir_, name); }
  Result<Entry> read_in(const OpenDirectory& dir, const char* name) {
    RB_TRY(const FileStat stat, dir.stat(name));
    return reader_.read(dir, name, stat, sink_);
  }
  Entry must_read(const char* name) {
    Result<Entry> out = read(name);
    EXPECT_TRUE(out) << name << ": " << out.error().message;
    return out ? std::move(*out) : Entry{};
  }

  TempDirectory temp_;
  OpenDirectory dir_;
  MetadataReader reader_;
  std::vector<Bytes> large_;
  LargeXattrSink sink_ = [this](ByteView value) -> Result<ObjectId> {
    large_.emplace_back(value.begin(), value.end());
    return ObjectId::from(hash(value).view());
  };
};

TEST_F(MetadataTest, AFile) {
  const std::string path = temp_.write("file", "12345");
  ASSERT_EQ(::chmod(path.c_str(), 06755), 0);
  const timespec times[2] = {{1, 2}, {1'234'567'890, 123'456'789}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  const Entry e = must_read("file");
  EXPECT_EQ(e.name, "file");
  EXPECT_EQ(e.type, EntryType::file);
  EXPECT_FALSE(e.implied);
  EXPECT_EQ(e.mode, 06755u);
  EXPECT_EQ(e.uid, ::geteuid());
  EXPECT_EQ(e.user, ::getpwuid(::geteuid()) ? ::getpwuid(::geteuid())->pw_name : "");
  EXPECT_EQ(e.size, 5u);
  EXPECT_EQ(e.mtime, (Timestamp{1'234'567'890, 123'456'789}));
  EXPECT_EQ(e.content_kind, ContentKind::none);
  EXPECT_EQ(e.hard_link, std::nullopt);
  EXPECT_TRUE(e.xattrs.empty());
}

TEST_F(MetadataTest, OnlyFilesHaveASize) {
  temp_.mkdir("directory");
  ASSERT_EQ(::symlink("target", (temp_ / "link").c_str()), 0);
  ASSERT_EQ(::mkfifo((temp_ / "fifo").c_str(), 0600), 0);
  for (const char* name : {"directory", "link", "fifo"}) {
    const Entry e = must_read(name);
    EXPECT_EQ(e.size, 0u);
    EXPECT_EQ(e.device, 0u);
    EXPECT_TRUE(check_entry(e)) << name;
  }
}

TEST_F(MetadataTest, SymlinkTargetsAreRawBytes) {
  for (const std::string& target : {std::string("t"), std::string("\xff\n/../x"), std::string(4095, 'x')}) {
    ASSERT_EQ(::symlink(target.c_str(), (temp_ / "link").c_str()), 0);
    EXPECT_EQ(must_read("link").target, target);
    ASSERT_EQ(::unlink((temp_ / "link").c_str()), 0);
  }
}

TEST_F(MetadataTest, WhatVanishedIsNotFound) {
  temp_.write("file", "");
  ASSERT_EQ(::symlink("target", (temp_ / "link").c_str()), 0);
  for (const char* name : {"file", "link"}) {
    const FileStat stat = *dir_.stat(name);
    ASSERT_EQ(::unlinkat(dir_.fd(), name, 0), 0);
    const Result<Entry> entry = reader_.read(dir_, name, stat, sink_);
    ASSERT_FALSE(entry) << name;
    EXPECT_EQ(entry.error().code, Errc::not_found) << name;
  }
}

TEST_F(MetadataTest, ALinkThatBecameAFileIsNotFound) {
  ASSERT_EQ(::symlink("target", (temp_ / "link").c_str()), 0);
  const FileStat stat = *dir_.stat("link");
  ASSERT_EQ(::unlinkat(dir_.fd(), "link", 0), 0);
  temp_.write("link", "");
  EXPECT_EQ(reader_.read(dir_, "link", stat, sink_).error().code, Errc::not_found);
}

TEST_F(MetadataTest, ExtendedAttributes) {
  const std::string path = temp_.write("file", "");
  const std::string binary("\0\xff\n", 3), large(kInlineXattrBytes + 1, 'L'), limit(kInlineXattrBytes, 'l');
  if (::setxattr(path.c_str(), "user.binary", binary.data(), binary.size(), 0) != 0) {
    GTEST_SKIP() << "this file system has no extended attributes";
  }
  ASSERT_EQ(::setxattr(path.c_str(), "user.empty", "", 0, 0), 0);
  ASSERT_EQ(::setxattr(path.c_str(), "user.large", large.data(), large.size(), 0), 0);
  ASSERT_EQ(::setxattr(path.c_str(), "user.a-limit", limit.data(), limit.size(), 0), 0);
  const Entry e = must_read("file");
  ASSERT_EQ(e.xattrs.size(), 4u);
  EXPECT_EQ(e.xattrs[0], (Xattr{"user.a-limit", Bytes(limit.begin(), limit.end()), {}}));
  EXPECT_EQ(e.xattrs[1], (Xattr{"user.binary", Bytes{0, 0xff, '\n'}, {}}));
  EXPECT_EQ(e.xattrs[2], (Xattr{"user.empty", {}, {}}));
  EXPECT_EQ(e.xattrs[3].name, "user.large");
  EXPECT_TRUE(e.xattrs[3].value.empty());
  EXPECT_EQ(e.xattrs[3].chunk, ObjectId::from(hash(as_bytes(large)).view()));
  EXPECT_EQ(large_, (std::vector<Bytes>{Bytes(large.begin(), large.end())}));
}

TEST_F(MetadataTest, ManyExtendedAttributes) {
  const std::string path = temp_.write("a", "x");
  const std::string value(10, 'v');
  constexpr int kCount = 60;  // their names alone take a kilobyte
  for (int i = 0; i < kCount; ++i) {
    const std::string name = fmt::format("user.attribute-{:02}", i);
    if (::setxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0) != 0) {
      GTEST_SKIP() << "no room for so many extended attributes in " << path;
    }
  }
  const Entry e = must_read("a");
  ASSERT_EQ(e.xattrs.size(), static_cast<std::size_t>(kCount));
  EXPECT_EQ(e.xattrs.back(), (Xattr{"user.attribute-59", Bytes(value.begin(), value.end()), {}}));
}

TEST_F(MetadataTest, AFailureOfTheSinkComesBack) {
  const std::string path = temp_.write("file", "");
  const std::string large(kInlineXattrBytes + 1, 'L');
  if (::setxattr(path.c_str(), "user.large", large.data(), large.size(), 0) != 0) {
    GTEST_SKIP() << "this file system has no extended attributes";
  }
  sink_ = [](ByteView) -> Result<ObjectId> { return fail(Errc::fenced, "the session has ended"); };
  EXPECT_EQ(read("file").error().code, Errc::fenced);
}

TEST_F(MetadataTest, AccessControlLists) {
  const std::string path = temp_.write("file", "");
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  // version 2; user::rw-, user:1234:r--, group::r--, mask::r--, other::---
  const Bytes acl = {2, 0,    0,    0,    1,    0,    6,  0, 0xff, 0xff, 0xff, 0xff, 2,    0,   4,
                     0, 0xd2, 4,    0,    0,    4,    0,  4, 0,    0xff, 0xff, 0xff, 0xff, 16,  0,
                     4, 0,    0xff, 0xff, 0xff, 0xff, 32, 0, 0,    0,    0xff, 0xff, 0xff, 0xff};
  if (::setxattr(path.c_str(), "system.posix_acl_access", acl.data(), acl.size(), 0) != 0) {
    GTEST_SKIP() << "this file system has no access control lists";
  }
  const Entry e = must_read("file");
  ASSERT_EQ(e.xattrs.size(), 1u);
  EXPECT_EQ(e.xattrs[0], (Xattr{"system.posix_acl_access", acl, {}}));
}

TEST_F(MetadataTest, AttributesOfRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may set these";
  const std::string path = temp_.write("file", "");
  ASSERT_EQ(::symlink("target", (temp_ / "link").c_str()), 0);
  const Bytes capability = {1, 0, 0, 2, 0, 4, 0, 0, 0, 0,
                            0, 0, 0, 0, 0, 0, 0, 0, 0, 0};  // cap_net_bind_service+ep
  ASSERT_EQ(::setxattr(path.c_str(), "security.capability", capability.data(), capability.size(), 0), 0);
  ASSERT_EQ(::setxattr(path.c_str(), "trusted.rb", "t", 1, 0), 0);
  ASSERT_EQ(::lsetxattr((temp_ / "link").c_str(), "trusted.rb", "l", 1, 0), 0);
  const Entry file = must_read("file"), link = must_read("link");
  ASSERT_EQ(file.xattrs.size(), 2u);
  EXPECT_EQ(file.xattrs[0], (Xattr{"security.capability", capability, {}}));
  EXPECT_EQ(file.xattrs[1], (Xattr{"trusted.rb", Bytes{'t'}, {}}));
  EXPECT_EQ(link.xattrs, (std::vector{Xattr{"trusted.rb", Bytes{'l'}, {}}}));
}

TEST_F(MetadataTest, HardLinksShareAGroup) {
  temp_.write("a", "");
  temp_.write("other", "");
  temp_.mkdir("sub");
  ASSERT_EQ(::link((temp_ / "a").c_str(), (temp_ / "sub/b").c_str()), 0);
  ASSERT_EQ(::link((temp_ / "other").c_str(), (temp_ / "other2").c_str()), 0);
  const Entry a = must_read("a"), other = must_read("other"), sub = must_read("sub");
  const OpenDirectory inner = std::move(*OpenDirectory::open(dir_.fd(), "sub"));
  const Entry b = *read_in(inner, "b");
  ASSERT_TRUE(a.hard_link);
  EXPECT_EQ(a.hard_link, b.hard_link);
  EXPECT_NE(a.hard_link, other.hard_link);
  EXPECT_EQ(sub.hard_link, std::nullopt);  // though its link count is 2
  MetadataReader again;
  EXPECT_EQ(again.read(dir_, "a", *dir_.stat("a"), sink_)->hard_link, a.hard_link);
}

TEST_F(MetadataTest, ADirectoryItself) {
  ASSERT_EQ(::chmod(temp_.path().c_str(), 01777), 0);
  const bool has_xattrs = ::setxattr(temp_.path().c_str(), "user.d", "v", 1, 0) == 0;
  const Result<Entry> e = reader_.read_self(dir_, "", *dir_.stat_self(), sink_);
  ASSERT_TRUE(e);
  EXPECT_EQ(e->name, "");
  EXPECT_EQ(e->mode, 01777u);
  EXPECT_EQ(e->mtime, dir_.stat_self()->mtime);
  EXPECT_EQ(e->xattrs.size(), has_xattrs ? 1u : 0u);
}

TEST_F(MetadataTest, AnImpliedDirectory) {
  const Entry e = reader_.read_implied("home", *dir_.stat_self());
  EXPECT_TRUE(e.implied);
  EXPECT_EQ(e.name, "home");
  EXPECT_EQ(e.mode, 0700u);
  EXPECT_EQ(e.uid, ::geteuid());
  EXPECT_EQ(e.mtime, Timestamp{});
  EXPECT_EQ(e.birth, std::nullopt);
  EXPECT_TRUE(check_entry(e));
}

TEST_F(MetadataTest, ADevice) {
  const OpenDirectory dev = std::move(*OpenDirectory::open(AT_FDCWD, "/dev"));
  const Result<Entry> e = read_in(dev, "null");
  ASSERT_TRUE(e) << e.error().message;
  EXPECT_EQ(e->type, EntryType::char_device);
  EXPECT_EQ(e->device, std::uint64_t{1} << 32 | 3);
}

TEST_F(MetadataTest, AnIdWithoutAName) {
  FileStat stat = *dir_.stat_self();
  stat.uid = stat.gid = 3'999'999'999;
  const Entry e = reader_.read_implied("d", stat);
  EXPECT_EQ(e.user, "");
  EXPECT_EQ(e.group, "");
  EXPECT_EQ(e.uid, 3'999'999'999u);
}

TEST_F(MetadataTest, SeveralThreadsRead) {
  temp_.write("file", "");
  ASSERT_EQ(::link((temp_ / "file").c_str(), (temp_ / "file2").c_str()), 0);
  const Entry expected = must_read("file");
  MetadataReader fresh;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        FileStat stat = *dir_.stat("file");
        const Result<Entry> e = fresh.read(dir_, "file", stat, sink_);
        stat.uid = static_cast<std::uint32_t>(i);
        fresh.read_implied("x", stat);
        if (!e || *e != expected) ++wrong;
      }
    });
  }
  for (std::thread& t : threads)
    t.join();
  EXPECT_EQ(wrong, 0);
}

TEST(FileSystemIdentityTest, IsStableAndTellsFileSystemsApart) {
  const TempDirectory temp;
  temp.mkdir("sub");
  const auto of = [](const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
    return file_system_identity(fd.get());
  };
  EXPECT_NE(of(temp.path()), 0u);
  EXPECT_EQ(of(temp.path()), of(temp / "sub"));
  EXPECT_NE(of(temp.path()), of("/proc"));
  EXPECT_NE(of("/proc"), 0u);
  EXPECT_EQ(file_system_identity(-1), 0u);
}

}  // namespace
}  // namespace rb
