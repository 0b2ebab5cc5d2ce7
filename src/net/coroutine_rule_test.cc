// g++ 12 miscompiles statements that hold both co_await and a temporary aggregate, a capturing lambda or a ?:
// with class types (double frees, seen under AddressSanitizer). Until the compiler is a newer one, this holds
// the line.
#include <climits>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace rb::net {
namespace {

namespace fs = std::filesystem;

// Where the sources are, also when the compiler was given a path relative to its build directory.
fs::path source_directory() {
  const fs::path here = fs::path(__FILE__).parent_path();
  if (here.is_absolute()) return here;
  return fs::read_symlink("/proc/self/exe").parent_path().parent_path() / here;
}

// The statements with co_await in `text` that break the rule.
std::vector<std::string> offences(const std::string& text) {
  static const std::regex forbidden(R"([{?]|\[[&=]|\[this|\[self)");
  std::vector<std::string> found;
  std::size_t at = 0;
  while ((at = text.find("co_await", at)) != std::string::npos) {
    const std::size_t line_start = text.rfind('\n', at) + 1;
    const std::size_t end = text.find(';', at);
    const std::string statement = text.substr(line_start, end - line_start);
    if (std::regex_search(statement, forbidden)) found.push_back(statement);
    at += 8;
  }
  return found;
}

std::string without_comments(std::istream& in) {
  std::string text;
  for (std::string line; std::getline(in, line);)
    text += line.substr(0, line.find("//")) + "\n";
  return text;
}

TEST(CoroutineRuleTest, TheCheckSeesOffences) {
  EXPECT_EQ(offences("auto x = co_await f({1, 2});").size(), 1u);
  EXPECT_EQ(offences("  co_await f(\n      [&] { g(); });").size(), 1u);
  EXPECT_EQ(offences("auto x = a ? co_await f() : b;").size(), 1u);
  EXPECT_EQ(offences("const auto [a, b] = co_await f(x);\nif (c) co_return true;").size(), 0u);
}

TEST(CoroutineRuleTest, NoSourceOfThisLayerBreaksIt) {
  int awaits = 0;
  for (const auto& entry : fs::directory_iterator(source_directory())) {
    const std::string name = entry.path().filename();
    if (name.ends_with("_test.cc") || !(name.ends_with(".cc") || name.ends_with(".h"))) continue;
    std::ifstream in(entry.path());
    const std::string text = without_comments(in);
    for (std::size_t at = 0; (at = text.find("co_await", at)) != std::string::npos; at += 8)
      awaits++;
    for (const std::string& statement : offences(text))
      ADD_FAILURE() << name << ": " << statement;
  }
  EXPECT_GT(awaits, 10) << "the sources were not found in " << source_directory();
}

}  // namespace
}  // namespace rb::net
