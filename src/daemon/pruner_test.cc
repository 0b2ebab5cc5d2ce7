#include "daemon/pruner.h"

#include <gtest/gtest.h>

#include "daemon/config.h"

namespace rb::daemon {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr Timestamp kNow{1'700'000'000, 0};

TEST(PrunerTest, WhenItIsDue) {
  const auto due = [](std::int64_t seconds_ago) {
    return time_until_pruning(hours(24), Timestamp{kNow.seconds - seconds_ago, 0}, kNow);
  };
  EXPECT_EQ(time_until_pruning(hours(24), std::nullopt, kNow), seconds(0));
  EXPECT_EQ(due(0), hours(24));
  EXPECT_EQ(due(3600), hours(23));
  EXPECT_EQ(due(86400), seconds(0));
  EXPECT_EQ(due(1'000'000), seconds(0));
  EXPECT_EQ(due(-1'000'000), hours(24)) << "a clock that was set back does not stop it for longer";
}

Result<Config> parse(const std::string& text) {
  return parse_config(text, "config.toml");
}

TEST(RetentionConfigTest, RulesForAllAndForOne) {
  const auto config = parse(R"([retention]
keep_daily = 7
keep_yearly = "all"
keep_within = "2d"
undelete_for = "30d"
prune_every = "12h"
[node.ana]
stored = "1 GiB"
[node.ana.retention]
keep_daily = 30
[node.ben.retention]
keep_daily = 0
keep_yearly = 0
keep_within = "0h"
)");
  ASSERT_TRUE(config) << config.error().message;
  const RetentionSettings& retention = config->retention;
  EXPECT_EQ(to_text(*retention.standard), to_text(*parse_retention_policy("daily=7 yearly=all within=2d")));
  EXPECT_EQ(to_text(retention.by_node.at("ana")),
            to_text(*parse_retention_policy("daily=30 yearly=all within=2d")));
  EXPECT_EQ(retention.by_node.at("ben").last, kKeepAll) << "no rules: everything stays";
  EXPECT_EQ(config->node_quotas.at("ana").stored_bytes, 1ull << 30);
  EXPECT_EQ(retention.undelete_for, hours(24 * 30));
  EXPECT_EQ(config->prune_every, hours(12));
}

TEST(RetentionConfigTest, WithoutRulesThereIsNoPolicy) {
  EXPECT_EQ(parse("")->retention.standard, std::nullopt);
  EXPECT_EQ(parse("[retention]\nkeep_last = 0\nfloor = \"1d\"\n")->retention.standard, std::nullopt);
}

TEST(RetentionConfigTest, MistakesAreNamed) {
  for (const char* line : {"keep_last = -1", "keep_last = \"some\"", "keep_last = 1.5", "keep_within = 3",
                           "floor = \"soon\"", "prune_every = \"40d\"", "keep_for_ever = 1"}) {
    const auto config = parse(std::string("[retention]\n") + line + "\n");
    ASSERT_FALSE(config) << line;
    EXPECT_NE(config.error().message.find("config.toml:2: "), std::string::npos) << config.error().message;
  }
}

}  // namespace
}  // namespace rb::daemon
