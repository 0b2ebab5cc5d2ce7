#include "backup/compression_pace.h"

#include <gtest/gtest.h>

namespace rb {
namespace {

using std::chrono::milliseconds;

TEST(CompressionPaceTest, StaysWhereCompressingTakesTheTime) {
  CompressionPace pace({});
  for (int i = 0; i < 100; i++)
    pace.note(milliseconds(100), milliseconds(1));
  EXPECT_EQ(pace.now().level, kCompressionLevel);
}

TEST(CompressionPaceTest, RisesWhileTheStoreIsSlowAndComesBack) {
  CompressionPace pace({});
  for (int i = 0; i < 6; i++)
    pace.note(milliseconds(10), milliseconds(110));
  EXPECT_EQ(pace.now().level, kCompressionLevel + 1);
  for (int i = 0; i < 1000; i++)
    pace.note(milliseconds(10), milliseconds(110));
  EXPECT_EQ(pace.now().level, CompressionPace::kHardestAdaptiveLevel);
  for (int i = 0; i < 1000; i++)
    pace.note(milliseconds(110), milliseconds(10));
  EXPECT_EQ(pace.now().level, kCompressionLevel);
}

TEST(CompressionPaceTest, AHiccupChangesNothing) {
  CompressionPace pace({});
  for (int i = 0; i < 1000; i++) {
    pace.note(milliseconds(20), milliseconds(0));
    if (i % 10 == 0) pace.note(milliseconds(0), milliseconds(190));
  }
  EXPECT_EQ(pace.now().level, kCompressionLevel);
}

TEST(CompressionPaceTest, AGivenLevelStays) {
  CompressionPace pace({.level = 12});
  for (int i = 0; i < 100; i++)
    pace.note(milliseconds(0), milliseconds(1000));
  EXPECT_EQ(pace.now().level, 12);
  EXPECT_FALSE(pace.now().off);
}

TEST(CompressionPaceTest, OffIsOff) {
  EXPECT_TRUE(CompressionPace({.off = true}).now().off);
}

}  // namespace
}  // namespace rb
