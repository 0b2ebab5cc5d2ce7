#include "restore/target_directory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/temp_directory.h"

namespace rb::test {
namespace {

TEST(DirectoryHandlesTest, ReopensWhatWasClosedByTheChain) {
  const TempDirectory top;
  DirectoryHandles handles(4);
  auto root = std::make_shared<TargetDirectory>(&handles);
  root->name = top.path();
  handles.set_root(*root, UniqueFd(::open(top.path().c_str(), O_RDONLY | O_DIRECTORY)));
  std::vector<DirectoryRef> chain{root};
  for (int i = 0; i < 50; ++i) {
    const auto parent = handles.open(*chain.back());
    ASSERT_TRUE(parent);
    ASSERT_EQ(::mkdirat((*parent)->get(), "d", 0755), 0);
    auto below = std::make_shared<TargetDirectory>(&handles);
    below->parent = chain.back();
    below->name = "d";
    chain.push_back(below);
  }
  struct stat deepest {
  }, again{};
  ASSERT_EQ(::fstat((*handles.open(*chain.back()))->get(), &deepest), 0);
  for (const DirectoryRef& directory : chain)
    ASSERT_TRUE(handles.open(*directory));
  ASSERT_TRUE(handles.open(*chain[3]));
  ASSERT_EQ(::fstat((*handles.open(*chain.back()))->get(), &again), 0);
  EXPECT_EQ(deepest.st_ino, again.st_ino);
  EXPECT_EQ(path_of(*chain[2], "x"), top.path() + "/d/d/x");
}

TEST(OpenBeneath, NeverFollowsASymlink) {
  const TempDirectory top;
  ASSERT_EQ(::mkdir((top / "real").c_str(), 0755), 0);
  ASSERT_EQ(::symlink("real", (top / "link").c_str()), 0);
  ASSERT_EQ(::symlink("/", (top / "out").c_str()), 0);
  top.write("file", "x");
  const UniqueFd fd(::open(top.path().c_str(), O_RDONLY | O_DIRECTORY));
  EXPECT_TRUE(open_beneath(fd.get(), "real"));
  for (const char* name : {"link", "out", "file"}) {
    const auto refused = open_beneath(fd.get(), name);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, Errc::conflict) << name;
  }
  EXPECT_EQ(open_beneath(fd.get(), "absent").error().code, Errc::not_found);
  EXPECT_EQ(open_beneath(fd.get(), "..").error().code, Errc::corrupt);
}

}  // namespace
}  // namespace rb::test
