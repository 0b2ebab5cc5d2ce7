#include "scan/glob.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace rb {
namespace {

void check(std::string_view glob, std::string_view text, bool expected) {
  ASSERT_TRUE(check_glob(glob)) << glob;
  EXPECT_EQ(glob_matches(glob, text), expected) << glob << " against " << text;
}

TEST(GlobTest, Matches) {
  check("", "", true);
  check("", "a", false);
  check("abc", "abc", true);
  check("abc", "abcd", false);
  check("abc", "ab", false);
  check("*", "", true);
  check("*", "anything", true);
  check("*", "a/b", false);
  check("*.o", "a.o", true);
  check("*.o", ".o", true);
  check("*.o", "a.o.c", false);
  check("a*b*c", "aXbXbXc", true);
  check("a*b*c", "aXbX", false);
  check("?", "a", true);
  check("?", "", false);
  check("?", "/", false);
  check("a?c", "a/c", false);
  check("a/*/c", "a/b/c", true);
  check("a/*/c", "a/b/b/c", false);
  check("a/*/c", "a//c", true);
  check("*/b", "a/b", true);
  check("*a/*b", "xa/yb", true);
  check("*a/*b", "xa/xa/yb", false);
}

TEST(GlobTest, DoubleStars) {
  check("**", "", true);
  check("**", "a/b/c", true);
  check("a/**", "a/b/c", true);
  check("a/**", "a", false);
  check("a/**/c", "a/c", true);
  check("a/**/c", "a/b/c", true);
  check("a/**/c", "a/b/b/c", true);
  check("a/**/c", "a/bc", false);
  check("a/**/c", "a/b/xc", false);
  check("**/c", "c", true);
  check("**/c", "a/b/c", true);
  check("**/c", "xc", false);
  check("**/a*/b", "x/ay/b", true);
  check("**/a*/b", "x/ay/z/b", false);
  check("**/a*/b", "a1/a2/b", true);
  check("a**b", "a/x/b", true);
  check("a**b", "ab", true);
  check("**/a/**/b", "x/a/a/y/b", true);
  check("**/a/**", "x/a", false);
  check("***/c", "a/b/c", true);
  check("a**/c", "ab/b/c", true);
  check("a**/c", "ac", false);
}

TEST(GlobTest, Sets) {
  check("[abc]", "b", true);
  check("[abc]", "d", false);
  check("[a-c]x", "bx", true);
  check("[!a-c]", "b", false);
  check("[!a-c]", "d", true);
  check("[^a-c]", "d", true);
  check("[!a]", "/", false);
  check("[!-0]", "/", false);  // the range holds '/', which no set matches
  check("[]]", "]", true);
  check("[!]]", "]", false);
  check("[]-a]", "_", true);
  check("[a-]", "-", true);
  check("[-a]", "-", true);
  check("[\\]]", "]", true);
  check("[a\\-c]", "b", false);
  check("[a\\-c]", "-", true);
  check("*[0-9]", "log.1", true);
  check("[\x80-\xff]", "\xc3", true);
}

TEST(GlobTest, Quotes) {
  check("\\*", "*", true);
  check("\\*", "a", false);
  check("\\\\", "\\", true);
  check("\\a", "a", true);
  check("a\\?", "a?", true);
  check("a\\?", "ab", false);
}

TEST(GlobTest, RawBytes) {
  check("*\n*", "a\nb", true);
  check("\xff*", "\xff\xfe", true);
  check("?", "\xff", true);
}

TEST(GlobTest, RefusesWhatCannotMeanAnything) {
  for (const std::string_view bad : {"[", "[]", "[a", "[!", "[!]", "[a-", "a\\", "[\\", "[a\\", "[a-\\",
                                     "[z-a]", "[/]", "[[:alpha:]]", "a[b"}) {
    const Status status = check_glob(bad);
    ASSERT_FALSE(status) << bad;
    EXPECT_EQ(status.error().code, Errc::invalid_argument);
  }
  EXPECT_FALSE(check_glob(std::string_view("a\0b", 3)));
}

// Would take for ever if every `*` tried everything.
TEST(GlobTest, HostilePatternsEnd) {
  std::string stars, deep, text(4000, 'a');
  for (int i = 0; i < 100; ++i)
    stars += "*a";
  for (int i = 0; i < 100; ++i)
    deep += "**a";
  check(stars + "*b", text, false);
  check(deep + "**b", text, false);
  std::string path;
  for (int i = 0; i < 1000; ++i)
    path += "a/";
  std::string components;
  for (int i = 0; i < 100; ++i)
    components += "**/a/";
  check(components + "b", path + "a", false);
  check(components + "a", path + "a", true);
  check("**/*a*a*a*a*b", path + "a", false);
}

// The obvious way, exponential at worst: tries everything.
bool reference_matches(std::string_view g, std::string_view t, bool component = true) {
  if (g.starts_with("**/") && component) {
    if (reference_matches(g.substr(3), t)) return true;
    for (std::size_t i = 0; i < t.size(); ++i) {
      if (t[i] == '/' && reference_matches(g.substr(3), t.substr(i + 1))) return true;
    }
    return false;
  }
  if (g.starts_with("**")) {
    for (std::size_t i = 0; i <= t.size(); ++i) {
      if (reference_matches(g.substr(2), t.substr(i), false)) return true;
    }
    return false;
  }
  if (g.starts_with('*')) {
    for (std::size_t i = 0; i <= t.size(); ++i) {
      if (reference_matches(g.substr(1), t.substr(i), false)) return true;
      if (i < t.size() && t[i] == '/') return false;
    }
    return false;
  }
  if (g.empty() || t.empty()) return g.empty() && t.empty();
  const bool one = g[0] == '?' ? t[0] != '/' : g[0] == t[0];
  return one && reference_matches(g.substr(1), t.substr(1), g[0] == '/');
}

TEST(GlobTest, AgreesWithTheObviousWay) {
  std::mt19937 random(1);
  const auto text_of = [&](std::string_view letters, std::size_t most) {
    std::string out(random() % (most + 1), ' ');
    for (char& c : out)
      c = letters[random() % letters.size()];
    return out;
  };
  int matches = 0;
  for (int i = 0; i < 300'000; ++i) {
    const std::string glob = text_of("ab//***?", 10), text = text_of("aab/", 8);
    if (glob.find("***") != std::string::npos) continue;
    const bool expected = reference_matches(glob, text);
    matches += expected;
    ASSERT_EQ(glob_matches(glob, text), expected) << glob << " against " << text;
  }
  EXPECT_GT(matches, 10'000);
}

}  // namespace
}  // namespace rb
