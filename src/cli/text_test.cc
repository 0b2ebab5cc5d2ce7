#include "cli/text.h"

#include <gtest/gtest.h>

namespace rb::cli {
namespace {

TEST(PrintableTest, KeepsWhatATerminalMaySee) {
  EXPECT_EQ(printable("/home/ana/música 日本 😀"), "/home/ana/música 日本 😀");
}

TEST(PrintableTest, EscapesWhatCouldSteerATerminal) {
  EXPECT_EQ(printable("a\nb"), "a\\nb");
  EXPECT_EQ(printable("a\tb"), "a\\tb");
  EXPECT_EQ(printable("\x1b[2J"), "\\x1b[2J");
  EXPECT_EQ(printable("\x7f"), "\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");  // a C1 control
  EXPECT_EQ(printable("back\\slash"), "back\\\\slash");
}

TEST(PrintableTest, EscapesBytesThatAreNoUtf8) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");           // overlong '/'
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(printable("\xe6\x97"), "\\xe6\\x97");           // cut short
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(ParseSizeTest, ReadsPowersOf1024) {
  EXPECT_EQ(parse_size("0"), 0u);
  EXPECT_EQ(parse_size("512"), 512u);
  EXPECT_EQ(parse_size("64K"), 64u << 10);
  EXPECT_EQ(parse_size("3T"), 3ull << 40);
  for (const char* wrong : {"", "K", "5X", "5KB", "-1", "1.5M", "99999999999T", "1234567890123"})
    EXPECT_FALSE(parse_size(wrong)) << wrong;
}

TEST(HumanTest, Bytes) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1024), "1.0 KiB");
  EXPECT_EQ(human_bytes(1023 * 1024), "1.0 MiB");
  EXPECT_EQ(human_bytes(UINT64_MAX), "16.0 EiB");
}

TEST(HumanTest, NumbersAndSeconds) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(human_seconds(0.04), "0.0 s");
  EXPECT_EQ(human_seconds(59.4), "59 s");
  EXPECT_EQ(human_seconds(200), "3 min 20 s");
  EXPECT_EQ(human_seconds(7500), "2 h 5 min");
}

TEST(HumanTest, Modes) {
  EXPECT_EQ(mode_text(EntryType::directory, 01777), "drwxrwxrwt");
  EXPECT_EQ(mode_text(EntryType::file, 04755), "-rwsr-xr-x");
  EXPECT_EQ(mode_text(EntryType::file, 02640), "-rw-r-S---");
  EXPECT_EQ(mode_text(EntryType::symlink, 0777), "lrwxrwxrwx");
}

TEST(HumanTest, IsoTimeBeforeAndAfterTheEpoch) {
  EXPECT_EQ(iso_time({0, 5}), "1970-01-01T00:00:00.000000005Z");
  EXPECT_EQ(iso_time({-1, 999999999}), "1969-12-31T23:59:59.999999999Z");
}

}  // namespace
}  // namespace rb::cli
