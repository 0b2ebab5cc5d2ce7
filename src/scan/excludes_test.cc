#include "scan/excludes.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "format/repository_format.h"
#include "scan/directory.h"
#include "support/temp_directory.h"

namespace rb {
namespace {

using test::TempDirectory;

enum class Is { file, directory };

void check(const std::vector<std::string>& patterns, std::string_view path, Is what, bool expected) {
  Excludes excludes;
  for (const std::string& p : patterns)
    ASSERT_TRUE(excludes.add(p)) << p;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  EXPECT_EQ(excludes.matches(path, name, what == Is::directory), expected)
      << path << " against " << testing::PrintToString(patterns);
}

TEST(ExcludesTest, NamesMatchAtAnyDepth) {
  check({}, "/a", Is::file, false);
  check({"*.o"}, "/home/ana/x.o", Is::file, true);
  check({"*.o"}, "/x.o", Is::file, true);
  check({"*.o"}, "/x.o/y", Is::file, false);
  check({"cache"}, "/home/cache", Is::directory, true);
  check({"cache"}, "/home/cache2", Is::directory, false);
  check({"c?che"}, "/home/cache", Is::file, true);
}

TEST(ExcludesTest, AbsolutePatternsBeginAtTheRoot) {
  check({"/tmp"}, "/tmp", Is::directory, true);
  check({"/tmp"}, "/var/tmp", Is::directory, false);
  check({"/home/*/tmp"}, "/home/ana/tmp", Is::directory, true);
  check({"/home/*/tmp"}, "/home/ana/x/tmp", Is::directory, false);
  check({"/home/**/tmp"}, "/home/ana/x/tmp", Is::directory, true);
  check({"/home/**/tmp"}, "/home/tmp", Is::directory, true);
  check({"/var/**"}, "/var/log/x", Is::file, true);
  check({"/var/**"}, "/var", Is::directory, false);
}

TEST(ExcludesTest, OtherPatternsWithASlashMatchBelowAnyDirectory) {
  check({"build/out"}, "/build/out", Is::file, true);
  check({"build/out"}, "/home/ana/build/out", Is::file, true);
  check({"build/out"}, "/home/ana/xbuild/out", Is::file, false);
  check({"build/out"}, "/home/ana/build/out/x", Is::file, false);
  check({"build/*.o"}, "/home/build/x.o", Is::file, true);
}

TEST(ExcludesTest, ATrailingSlashIsForDirectories) {
  check({"cache/"}, "/home/cache", Is::directory, true);
  check({"cache/"}, "/home/cache", Is::file, false);
  check({"/home/cache/"}, "/home/cache", Is::directory, true);
  check({"/home/cache/"}, "/x/home/cache", Is::directory, false);
}

TEST(ExcludesTest, TheLastMatchWins) {
  check({"*.o", "!keep.o"}, "/a/keep.o", Is::file, false);
  check({"*.o", "!keep.o"}, "/a/other.o", Is::file, true);
  check({"!keep.o", "*.o"}, "/a/keep.o", Is::file, true);
  check({"*.o", "!keep.o", "/a/keep.o"}, "/a/keep.o", Is::file, true);
  check({"\\!keep"}, "/a/!keep", Is::file, true);
}

TEST(ExcludesTest, BadPatternsAreNamed) {
  for (const char* bad : {"", "!", "/", "!/", "[", "a\\", "a//b", "./a", "a/../b", "..", "a//", "//"}) {
    Excludes excludes;
    const Status status = excludes.add(bad);
    ASSERT_FALSE(status) << bad;
    EXPECT_EQ(status.error().code, Errc::invalid_argument);
    EXPECT_NE(status.error().message.find(bad), std::string::npos);
    EXPECT_TRUE(excludes.empty());
    EXPECT_TRUE(excludes.texts().empty());
  }
}

TEST(ExcludesTest, ReadsAFile) {
  const TempDirectory temp;
  const std::string path = temp.write("list", "# a comment\n\n*.o\r\n  \n!keep.o\n\\#odd\nlast line");
  Excludes excludes;
  ASSERT_TRUE(excludes.add_from_file(path));
  EXPECT_EQ(excludes.texts(), (std::vector<std::string>{"*.o", "!keep.o", "\\#odd", "last line"}));
  EXPECT_TRUE(excludes.matches("/#odd", "#odd", false));
}

TEST(ExcludesTest, NamesTheLineOfAFile) {
  const TempDirectory temp;
  const std::string path = temp.write("list", "# a comment\n*.o\n[\n");
  Excludes excludes;
  const Status status = excludes.add_from_file(path);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::invalid_argument);
  EXPECT_NE(status.error().message.find(path + ", line 3"), std::string::npos) << status.error().message;
}

TEST(ExcludesTest, AFileThatIsNotThere) {
  const TempDirectory temp;
  Excludes excludes;
  EXPECT_EQ(excludes.add_from_file(temp / "absent").error().code, Errc::not_found);
  EXPECT_FALSE(excludes.add_from_file(temp.path()));
  EXPECT_EQ(excludes.add_from_file("/dev/zero").error().code, Errc::invalid_argument);
}

OpenDirectory open_tree(const std::string& path) {
  return std::move(*OpenDirectory::open(AT_FDCWD, path.c_str()));
}

TEST(SpecialDirectoriesTest, TaggedCaches) {
  const std::string signature = "Signature: 8a477f597d28d172789f06886806bc55";
  const TempDirectory temp;
  const OpenDirectory dir = open_tree(temp.path());
  EXPECT_FALSE(is_tagged_cache(dir.fd()));
  temp.write("CACHEDIR.TAG", signature.substr(1));
  EXPECT_FALSE(is_tagged_cache(dir.fd()));
  temp.write("CACHEDIR.TAG", "");
  EXPECT_FALSE(is_tagged_cache(dir.fd()));
  temp.write("CACHEDIR.TAG", signature + "\n# more\n");
  EXPECT_TRUE(is_tagged_cache(dir.fd()));
}

TEST(SpecialDirectoriesTest, OnlyARegularFileTagsACache) {
  const TempDirectory temp;
  const OpenDirectory dir = open_tree(temp.path());
  temp.write("tag", "Signature: 8a477f597d28d172789f06886806bc55");
  ASSERT_EQ(::symlink("tag", (temp / "CACHEDIR.TAG").c_str()), 0);
  EXPECT_FALSE(is_tagged_cache(dir.fd()));
  ASSERT_EQ(::unlink((temp / "CACHEDIR.TAG").c_str()), 0);
  ASSERT_EQ(::mkfifo((temp / "CACHEDIR.TAG").c_str(), 0600), 0);
  EXPECT_FALSE(is_tagged_cache(dir.fd()));  // and does not wait for a writer
}

TEST(SpecialDirectoriesTest, Repositories) {
  const TempDirectory temp;
  const OpenDirectory dir = open_tree(temp.path());
  EXPECT_FALSE(is_repository(dir.fd()));
  temp.write("format", "a file of another program\n");
  EXPECT_FALSE(is_repository(dir.fd()));
  temp.write("format", std::string(kRepositoryMarkerMagic) + "rest");
  EXPECT_TRUE(is_repository(dir.fd()));
}

TEST(SpecialDirectoriesTest, PseudoFileSystems) {
  const TempDirectory temp;
  EXPECT_FALSE(is_pseudo_file_system(open_tree(temp.path()).fd()));
  EXPECT_TRUE(is_pseudo_file_system(open_tree("/proc").fd()));
  EXPECT_TRUE(is_pseudo_file_system(open_tree("/proc/self/fd").fd()));
  const auto sys = OpenDirectory::open(AT_FDCWD, "/sys/kernel");
  EXPECT_TRUE(!sys || is_pseudo_file_system(sys->fd()));
}

}  // namespace
}  // namespace rb
