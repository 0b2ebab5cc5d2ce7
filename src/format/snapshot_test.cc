#include "format/snapshot.h"

#include <gtest/gtest.h>

namespace rb {
namespace {

Snapshot with_sources(const std::vector<std::string>& paths) {
  Snapshot snapshot;
  for (const std::string& path : paths)
    snapshot.sources.push_back({.path = path});
  return snapshot;
}

TEST(SnapshotTest, SourcesAreSortedAbsolutePaths) {
  EXPECT_TRUE(check_snapshot(with_sources({"/"})));
  EXPECT_FALSE(check_snapshot(with_sources({"/", "/a", "/a/b", "/a\n"})));
  EXPECT_TRUE(check_snapshot(with_sources({"/", "/a", "/a\n", "/a/b"})));
  for (const std::string& path :
       {std::string(""), std::string("a"), std::string("//"), std::string("/a/"), std::string("/a//b"),
        std::string("/a/../b"), std::string("/."), std::string("/a\0b", 4)}) {
    EXPECT_FALSE(check_snapshot(with_sources({path}))) << path;
  }
  EXPECT_FALSE(check_snapshot(with_sources({"/a", "/a"})));
  EXPECT_FALSE(check_snapshot(with_sources({"/b", "/a"})));
}

TEST(SnapshotTest, RefersToItsRootAndNothingElse) {
  Snapshot snapshot;
  snapshot.root.bytes.fill(7);
  const Object object = encode_snapshot(snapshot);
  EXPECT_EQ(object.refs, std::vector{snapshot.root});
  EXPECT_FALSE(decode_snapshot({}, object.payload));
  EXPECT_FALSE(decode_snapshot(std::vector(2, snapshot.root), object.payload));
}

// A run with a hundred thousand unreadable files must be able to commit.
TEST(SnapshotTest, TooManyWarningsAreLeftOut) {
  Snapshot snapshot;
  snapshot.warnings.assign(kMaxSnapshotWarnings + 5, std::string(kMaxWarningBytes + 5, 'w'));
  const Object object = encode_snapshot(snapshot);
  const Result<Snapshot> again = decode_snapshot(object.refs, object.payload);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->warnings, std::vector(kMaxSnapshotWarnings, std::string(kMaxWarningBytes, 'w')));
}

TEST(SnapshotTest, TooManySourcesOrExcludesAreRefused) {
  Snapshot snapshot;
  for (std::size_t i = 0; i <= kMaxSources; ++i)
    snapshot.sources.push_back({.path = "/" + std::to_string(100'000 + i)});
  EXPECT_FALSE(check_snapshot(snapshot));
  snapshot.sources.pop_back();
  EXPECT_TRUE(check_snapshot(snapshot));
  snapshot.sources[0].excludes.assign(kMaxExcludes, "*.o");
  EXPECT_TRUE(check_snapshot(snapshot));
  snapshot.sources[1].excludes = {"*.o"};
  EXPECT_FALSE(check_snapshot(snapshot));
}

TEST(SnapshotTest, AnUnknownVersionIsNoDamage) {
  Object object = encode_snapshot({});
  object.payload[0] = 1;
  const Result<Snapshot> again = decode_snapshot(object.refs, object.payload);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::unsupported);
}

}  // namespace
}  // namespace rb
