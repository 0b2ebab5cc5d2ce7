#include "scan/directory.h"

#include <algorithm>
#include <set>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "scan/file_system_clock.h"
#include "support/temp_directory.h"

namespace rb {
namespace {

using test::TempDirectory;

OpenDirectory open(const std::string& path) {
  Result<OpenDirectory> out = OpenDirectory::open(AT_FDCWD, path.c_str());
  EXPECT_TRUE(out) << out.error().message;
  return std::move(*out);
}

std::vector<std::string> names_of(const OpenDirectory& dir) {
  const Result<NameList> names = dir.list();
  EXPECT_TRUE(names) << names.error().message;
  std::vector<std::string> out;
  for (std::size_t i = 0; i < names->size(); ++i) {
    out.emplace_back(names->name(i));
    EXPECT_EQ(names->name(i).data()[names->name(i).size()], '\0');
  }
  return out;
}

TEST(DirectoryTest, ListsOddNamesInOrderOfTheirBytes) {
  const TempDirectory temp;
  std::vector<std::string> names = {
      "-rf", "a\nb", "\xff\xfe", "\x01", " ", "...", "a", "A", "ab", std::string(255, 'x'), "\xc3\xb1", "~"};
  for (const std::string& name : names)
    temp.write(name, "");
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
      return static_cast<unsigned char>(x) < static_cast<unsigned char>(y);
    });
  });
  const OpenDirectory dir = open(temp.path());
  EXPECT_EQ(names_of(dir), names);
  EXPECT_EQ(names_of(dir), names);  // again
  for (const std::string& name : names)
    EXPECT_TRUE(dir.stat(name.c_str())) << name;
}

TEST(DirectoryTest, AnEmptyDirectory) {
  const TempDirectory temp;
  EXPECT_TRUE(names_of(open(temp.path())).empty());
}

// More than one buffer of getdents64.
TEST(DirectoryTest, ManyNames) {
  const TempDirectory temp;
  const OpenDirectory dir = open(temp.path());
  std::set<std::string> names;
  for (int i = 0; i < 20'000; ++i) {
    names.insert("name-" + std::to_string(i * 7919 % 20'000));
    ASSERT_EQ(::mknodat(dir.fd(), ("name-" + std::to_string(i)).c_str(), S_IFREG | 0600, 0), 0);
  }
  EXPECT_EQ(names_of(dir), std::vector<std::string>(names.begin(), names.end()));
}

TEST(DirectoryTest, FollowsNoSymlink) {
  const TempDirectory temp;
  temp.mkdir("real");
  temp.write("file", "");
  ASSERT_EQ(::symlink("real", (temp / "link").c_str()), 0);
  const OpenDirectory dir = open(temp.path());
  EXPECT_TRUE(OpenDirectory::open(dir.fd(), "real"));
  for (const char* name : {"link", "file", "absent"}) {
    const auto opened = OpenDirectory::open(dir.fd(), name);
    ASSERT_FALSE(opened) << name;
    EXPECT_EQ(opened.error().code, Errc::not_found) << name;
  }
  EXPECT_EQ(dir.stat("link")->type, EntryType::symlink);
  EXPECT_EQ(dir.stat("absent").error().code, Errc::not_found);
}

// In a child that is nobody in particular, since root may read everything.
TEST(DirectoryTest, SomebodyElsesDirectories) {
  const TempDirectory temp;
  temp.mkdir("open");
  ASSERT_EQ(::chmod(temp.mkdir("closed").c_str(), 0), 0);
  ASSERT_EQ(::chmod(temp.path().c_str(), 0755), 0);
  const OpenDirectory parent = open(temp.path());
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) ::_exit(1);
    const auto closed = OpenDirectory::open(parent.fd(), "closed");
    if (closed || closed.error().code != Errc::denied) ::_exit(2);
    // Only the owner may open it without touching its access time.
    const auto readable = OpenDirectory::open(parent.fd(), "open");
    ::_exit(readable && readable->list() ? 0 : 3);
  }
  int status = 1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(DirectoryTest, ADirectoryThatIsGone) {
  const TempDirectory temp;
  const OpenDirectory dir = open(temp.mkdir("gone"));
  ASSERT_EQ(::rmdir((temp / "gone").c_str()), 0);
  const Result<NameList> names = dir.list();
  EXPECT_TRUE(names ? names->size() == 0 : names.error().code == Errc::not_found);
}

TEST(DirectoryTest, TellsTypes) {
  const TempDirectory temp;
  temp.write("file", "12345");
  temp.mkdir("directory");
  ASSERT_EQ(::symlink("anywhere", (temp / "symlink").c_str()), 0);
  ASSERT_EQ(::mkfifo((temp / "fifo").c_str(), 0600), 0);
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX};
  const std::string socket_path = temp / "socket";
  ASSERT_LT(socket_path.size(), sizeof address.sun_path);
  std::copy(socket_path.begin(), socket_path.end(), address.sun_path);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);

  const OpenDirectory dir = open(temp.path());
  EXPECT_EQ(dir.stat("file")->type, EntryType::file);
  EXPECT_EQ(dir.stat("file")->size, 5u);
  EXPECT_EQ(dir.stat("directory")->type, EntryType::directory);
  EXPECT_EQ(dir.stat("symlink")->type, EntryType::symlink);
  EXPECT_EQ(dir.stat("fifo")->type, EntryType::fifo);
  EXPECT_EQ(dir.stat("socket")->type, EntryType::socket);
  const OpenDirectory dev = open("/dev");
  EXPECT_EQ(dev.stat("null")->type, EntryType::char_device);
  EXPECT_EQ(dev.stat("null")->special_device, std::uint64_t{1} << 32 | 3);
}

TEST(DirectoryTest, ABlockDeviceNode) {
  const TempDirectory temp;
  if (::mknod((temp / "block").c_str(), S_IFBLK | 0600, makedev(300, 70'000)) != 0) {
    GTEST_SKIP() << "may not make device nodes";
  }
  const Result<FileStat> stat = open(temp.path()).stat("block");
  EXPECT_EQ(stat->type, EntryType::block_device);
  EXPECT_EQ(stat->special_device, std::uint64_t{300} << 32 | 70'000);
}

TEST(DirectoryTest, AgreesWithStat) {
  const TempDirectory temp;
  const std::string path = temp.write("file", "content");
  ASSERT_EQ(::chmod(path.c_str(), 04751), 0);
  ASSERT_EQ(::link(path.c_str(), (temp / "other").c_str()), 0);
  const timespec times[2] = {{1, 2}, {-3, 999'999'999}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  struct stat st;
  ASSERT_EQ(::stat(path.c_str(), &st), 0);
  const OpenDirectory dir = open(temp.path());
  const FileStat now = *dir.stat("file");
  EXPECT_EQ(now.mode, 04751u);
  EXPECT_EQ(now.uid, st.st_uid);
  EXPECT_EQ(now.gid, st.st_gid);
  EXPECT_EQ(now.link_count, 2u);
  EXPECT_EQ(now.size, 7u);
  EXPECT_EQ(now.inode, st.st_ino);
  EXPECT_EQ(now.device, st.st_dev);
  EXPECT_EQ(now.mtime, (Timestamp{-3, 999'999'999}));
  EXPECT_EQ(now.ctime, (Timestamp{st.st_ctim.tv_sec, static_cast<std::uint32_t>(st.st_ctim.tv_nsec)}));
  EXPECT_FALSE(now.mount_root);
  EXPECT_EQ(dir.stat_self()->type, EntryType::directory);
  EXPECT_EQ(dir.stat_self()->device, st.st_dev);
  EXPECT_TRUE(open("/proc").stat_self()->mount_root);
  EXPECT_NE(open("/proc").stat_self()->mount_id, now.mount_id);
}

TEST(DirectoryTest, TellsWhoseClockAFileSystemHas) {
  const UniqueFd proc(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd memory(::memfd_create("tmpfs", MFD_CLOEXEC));
  EXPECT_FALSE(has_own_clock(proc.get()));
  EXPECT_TRUE(has_own_clock(memory.get()));
  EXPECT_FALSE(has_own_clock(-1));
}

TEST(DirectoryTest, TellsAttributes) {
  const TempDirectory temp;
  const std::string path = temp.write("file", "");
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  int flags = FS_NODUMP_FL;
  if (::ioctl(fd.get(), FS_IOC_SETFLAGS, &flags) != 0) GTEST_SKIP() << "this file system knows no attributes";
  EXPECT_EQ(open(temp.path()).stat("file")->attributes, static_cast<std::uint64_t>(FS_NODUMP_FL));
}

// Far beyond what a path can name.
TEST(DirectoryTest, DeeperThanAPathReaches) {
  const TempDirectory temp;
  const std::string name(200, 'd');
  OpenDirectory at = open(temp.path());
  for (int depth = 0; depth < 60; ++depth) {
    ASSERT_EQ(::mkdirat(at.fd(), name.c_str(), 0700), 0);
    Result<OpenDirectory> next = OpenDirectory::open(at.fd(), name.c_str());
    ASSERT_TRUE(next) << depth;
    at = std::move(*next);
  }
  ASSERT_EQ(::mkdirat(at.fd(), "leaf", 0700), 0);
  EXPECT_EQ(names_of(at), std::vector<std::string>{"leaf"});
  EXPECT_EQ(at.stat("leaf")->type, EntryType::directory);
}

TEST(DirectoryTest, ListingLeavesTheAccessTimeAlone) {
  const TempDirectory temp;
  const std::string path = temp.mkdir("d");
  const timespec old[2] = {{1'000'000, 0}, {2'000'000, 0}};  // older than the mtime: relatime would update it
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), old, 0), 0);
  names_of(open(path));
  struct stat st;
  ASSERT_EQ(::stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_atim.tv_sec, 1'000'000);
}

}  // namespace
}  // namespace rb
