#include "backup/source_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "backup/backup_test_support.h"

namespace rb::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class SourcePlan : public testing::Test {
 protected:
  SourcePlan() {
    char* const real = ::realpath(scratch_.path().c_str(), nullptr);
    root_ = real;
    ::free(real);
    make_directory(root_ + "/a");
    make_directory(root_ + "/a/b");
    write_file(root_ + "/a/f", "f");
    make_directory(root_ + "/c");
    EXPECT_EQ(::symlink("a", (root_ + "/link").c_str()), 0);
    EXPECT_EQ(::symlink("a/f", (root_ + "/filelink").c_str()), 0);
  }

  Result<rb::SourcePlan> plan(std::vector<std::string> names, std::string_view flags) {
    BackupOptions options;
    for (const std::string& name : names)
      options.paths.push_back(name.starts_with("/") ? name : root_ + "/" + name);
    options.recursive = flags.find('r') != flags.npos;
    options.remove_absent = flags.find('d') != flags.npos;
    options.force = flags.find('f') != flags.npos;
    return plan_sources(options);
  }
  // The planned paths, relative to the scratch directory.
  std::vector<std::string> paths(std::vector<std::string> names, std::string_view flags) {
    const auto planned = plan(std::move(names), flags);
    if (!planned) return {"error: " + std::string(to_string(planned.error().code))};
    std::vector<std::string> out;
    for (const PlannedSource& source : planned->sources) {
      out.push_back(source.path.substr(root_.size() + 1) + (source.gone ? " gone" : ""));
    }
    for (const MissingPath& missing : planned->missing)
      out.push_back("missing " + missing.path.substr(root_.size() + 1));
    return out;
  }

  ScratchDirectory scratch_;
  std::string root_;
};

TEST_F(SourcePlan, NestedPathsCollapseWhenTheOuterOneIsRecursive) {
  EXPECT_THAT(paths({"a/b", "a", "c", "a"}, "r"), ElementsAre("a", "c"));
  EXPECT_THAT(paths({"a/f", "a/b"}, "r"), ElementsAre("a/b", "a/f"));
}

TEST_F(SourcePlan, WithoutRADirectoryCoversItsFilesOnly) {
  EXPECT_THAT(paths({"a/b", "a", "a/f"}, ""), ElementsAre("a", "a/b"));
}

TEST_F(SourcePlan, TrailingSlashesAndDotsDoNotMatter) {
  EXPECT_THAT(paths({"a/", "a//b/..", "c/."}, ""), ElementsAre("a", "c"));
}

TEST_F(SourcePlan, ALinkToADirectoryIsFollowedAndSaidSo) {
  EXPECT_THAT(paths({"link"}, "r"), ElementsAre("a"));
  EXPECT_THAT(plan({"link"}, "r")->notices, ElementsAre(HasSubstr("symbolic link")));
  EXPECT_THAT(paths({"link/b"}, "r"), ElementsAre("a/b"));
  EXPECT_THAT(plan({"link/b"}, "r")->notices, IsEmpty());
}

TEST_F(SourcePlan, ALinkToAFileIsALink) {
  EXPECT_THAT(paths({"filelink"}, ""), ElementsAre("filelink"));
}

TEST_F(SourcePlan, MissingPaths) {
  EXPECT_THAT(paths({"nowhere"}, "r"), ElementsAre("error: not_found"));
  EXPECT_THAT(paths({"nowhere", "a"}, "r"), ElementsAre("a", "missing nowhere"));
  EXPECT_THAT(paths({"nowhere"}, "rd"), ElementsAre("error: not_found"));
  EXPECT_THAT(plan({"nowhere"}, "rd").error().message, HasSubstr("--force"));
  EXPECT_THAT(paths({"nowhere/deep/../deep"}, "rdf"), ElementsAre("error: invalid_argument"));
  EXPECT_THAT(paths({"nowhere/deep"}, "rdf"), ElementsAre("nowhere/deep gone"));
  EXPECT_THAT(paths({"link/nowhere"}, "rdf"), ElementsAre("a/nowhere gone"));
}

}  // namespace
}  // namespace rb::test
