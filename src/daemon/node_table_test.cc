#include "daemon/node_table.h"

#include <gtest/gtest.h>

namespace rb::daemon {
namespace {

NodeOverview node(const std::string& name) {
  NodeOverview overview;
  overview.node = 1;
  overview.name = name;
  return overview;
}

std::vector<std::string> lines_of(const std::vector<NodeOverview>& nodes) {
  std::vector<std::string> lines;
  std::string text = node_table(nodes);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.erase(0, end + 1);
  }
  return lines;
}

TEST(NodeTableTest, ColumnsStandBelowEachOther) {
  NodeOverview ana = node("ana-with-a-long-name"), ben = node("ben");
  ana.group = "family";
  ana.snapshot_count = 12;
  ben.snapshot_count = 3;
  const auto lines = lines_of({ana, ben});
  ASSERT_EQ(lines.size(), 3u);
  const std::size_t column = lines[0].find("SNAPSHOTS");
  EXPECT_EQ(lines[1].substr(column, 2), "12");
  EXPECT_EQ(lines[2].substr(column, 2), "3 ");
  EXPECT_NE(lines[1].back(), ' ');
}

TEST(NodeTableTest, TheStateSaysWhatANodeMayDo) {
  NodeOverview invited = node("a"), removed = node("b"), both = node("c"), cloned = node("d");
  invited.node = 0;
  invited.invited = true;
  removed.revoked = true;
  both.revoked = both.invited = true;
  cloned.cloned = true;
  const auto lines = lines_of({invited, removed, both, cloned});
  EXPECT_NE(lines[1].find("a     invited "), std::string::npos) << lines[1];
  EXPECT_NE(lines[2].find("removed "), std::string::npos);
  EXPECT_NE(lines[3].find("removed, invited "), std::string::npos);
  EXPECT_NE(lines[4].find("active, cloned! "), std::string::npos);
}

TEST(NodeTableTest, NoNameMovesTheCursor) {
  NodeOverview evil = node("a\x1b[2J\nb");
  evil.last_address = "\r";
  const auto lines = lines_of({evil});
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines[1].starts_with("a?[2J?b "));
}

}  // namespace
}  // namespace rb::daemon
