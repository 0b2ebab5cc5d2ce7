// The configuration: what it means, and that every mistake in it is named with its line.
#include "daemon/config.h"

#include <regex>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "daemon/quantity.h"

namespace rb::daemon {
namespace {

using std::chrono::seconds;

Config good_config(std::string_view text) {
  const auto config = parse_config(text, "config.toml");
  EXPECT_TRUE(config) << config.error().message;
  return config.value_or(Config{});
}

std::string problems(std::string_view text) {
  const auto config = parse_config(text, "config.toml");
  if (config) return "";
  EXPECT_EQ(config.error().code, Errc::invalid_argument);
  return config.error().message;
}

TEST(ConfigTest, NothingSaidIsTheDefault) {
  EXPECT_EQ(good_config(""), Config{});
}

TEST(ConfigTest, TheFileThatIsMadeShowsTheDefaults) {
  const std::string text = default_config_text();
  EXPECT_EQ(good_config(text), Config{});
  const std::string active = std::regex_replace(text, std::regex("(^|\n)#([a-z])"), "$1$2");
  EXPECT_NE(active, text);
  EXPECT_EQ(good_config(active), Config{}) << "what is shown is what holds";
}

TEST(ConfigTest, TheExamplesInItAreSettings) {
  const std::string text =
      std::regex_replace(default_config_text(), std::regex("\n# ([a-z_]+ = |\\[)"), "\n$1");
  const Config config = good_config(text);
  EXPECT_EQ(config.public_address, "backup.example.org:8420");
  EXPECT_EQ(config.tls_key, "/etc/ssl/private/backup.key");
  EXPECT_EQ(config.node_quotas.at("ana-laptop").stored_bytes, 1ull << 40);
}

TEST(ConfigTest, EverySettingIsRead) {
  const Config config = good_config(R"(
listen = ["0.0.0.0:8420", "[::]:0"]
socket = "/run/x"
public_address = "b:1"
max_clients = 3
lease = "2m"
[tls]
certificate = "/c"
key = "/k"
[limits]
connections = 1
connections_per_node = 2
sessions_per_node = 3
bandwidth = "1.5 MiB/s"
node_bandwidth = "10 kB/s"
[space]
keep_free = "1 GiB"
reserve = "0"
[quota]
stored = "10 GiB"
logical = "1 TB"
[node.big]
stored = "0"
[node."a.b"]
logical = "5"
[care]
parity_percent = 20
scrub_period = "7d"
scrub_rate = "50 MiB/s"
[gc]
every = "12h"
[log]
level = "debug"
format = "json"
)");
  Config wanted;
  wanted.listen = {"0.0.0.0:8420", "[::]:0"};
  wanted.socket = "/run/x";
  wanted.public_address = "b:1";
  wanted.max_clients = 3;
  wanted.lease = seconds(120);
  wanted.tls_certificate = "/c";
  wanted.tls_key = "/k";
  wanted.connections = 1;
  wanted.connections_per_node = 2;
  wanted.sessions_per_node = 3;
  wanted.bandwidth = 1572864;
  wanted.node_bandwidth = 10000;
  wanted.space = {.keep_free = 1ull << 30, .reserve = 0};
  wanted.quota = {.logical_bytes = 1'000'000'000'000, .stored_bytes = 10ull << 30};
  wanted.node_quotas["big"] = {.logical_bytes = 1'000'000'000'000, .stored_bytes = 0};
  wanted.node_quotas["a.b"] = {.logical_bytes = 5, .stored_bytes = 10ull << 30};
  wanted.parity_percent = 20;
  wanted.scrub_period = seconds(7 * 86400);
  wanted.scrub_rate = 50 << 20;
  wanted.collect_every = seconds(12 * 3600);
  wanted.log_level = "debug";
  wanted.log_format = LogFormat::json;
  EXPECT_EQ(config, wanted);
}

TEST(ConfigTest, MistakesAreNamedWithTheirLine) {
  struct Case {
    const char* text;
    const char* problem;
  };
  for (const Case& c : {
           Case{"\nlistne = []", "config.toml:2: there is no setting 'listne'"},
           Case{"[limits]\nbandwith = \"0\"", "config.toml:2: there is no setting 'limits.bandwith'"},
           Case{"[log]\nlevel = \"loud\"", "config.toml:2: 'log.level' is not debug, info, warning or error"},
           Case{"max_clients = \"5\"",
                "config.toml:1: 'max_clients' is not a whole number from 1 to 1000000"},
           Case{"max_clients = 0", "config.toml:1: 'max_clients' is not"},
           Case{"max_clients = 1.0", "config.toml:1: 'max_clients' is not"},
           Case{"lease = \"1s\"", "config.toml:1: 'lease' is not a time"},
           Case{"lease = 300", "config.toml:1: 'lease' is not a time"},
           Case{"listen = \"0.0.0.0:1\"", "config.toml:1: 'listen' is not a list"},
           Case{"listen = [\n\"0.0.0.0:1\",\n\"nonsense\"]", "config.toml:3: 'listen' is not a list"},
           Case{"socket = \"relative\"", "config.toml:1: 'socket' is not an absolute path"},
           Case{"public_address = \"b:0\"", "config.toml:1: 'public_address' is not HOST:PORT"},
           Case{"[tls]\nkey = \"/k\"", "config.toml:1: 'tls' needs both"},
           Case{"tls = 5", "config.toml:1: 'tls' is not a table"},
           Case{"[quota]\nstored = \"-1 GiB\"", "config.toml:2: 'quota.stored' is not a size"},
           Case{"[limits]\nbandwidth = \"10 MiB\"", "config.toml:2: 'limits.bandwidth' is not a rate"},
           Case{"[node.x]\nstored = 5", "config.toml:2: 'node.x.stored' is not a size"},
           Case{"[node.x]\nspeed = 5", "config.toml:2: there is no setting 'node.x.speed'"},
           Case{"node.x = 5", "config.toml:1: 'node.x' is not the table of a node"},
           Case{"[care]\nparity_percent = 21", "config.toml:2: 'care.parity_percent' is not a whole number"},
           Case{"[care]\nscrub_period = \"often\"", "config.toml:2: 'care.scrub_period' is not a time"},
           Case{"[care]\nscrub_rate = 5", "config.toml:2: 'care.scrub_rate' is not a rate"},
           Case{"[care]\nscrub = \"1d\"", "config.toml:2: there is no setting 'care.scrub'"},
           Case{"[gc]\nevery = \"40d\"", "config.toml:2: 'gc.every' is not a time up to"},
           Case{"a = [", "config.toml:1: "},
           Case{"max_clients = 5\nmax_clients = 6", "config.toml:2: "},
       }) {
    EXPECT_EQ(problems(c.text).substr(0, std::string_view(c.problem).size()), c.problem) << c.text;
  }
}

TEST(ConfigTest, AllMistakesAreNamedAtOnce) {
  const std::string text = problems("max_clients = 0\nnonsense = 1\n[log]\nformat = \"xml\"");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
}

TEST(ConfigTest, AnyTextIsSurvived) {
  EXPECT_TRUE(rc::check([](const std::string& text) { (void)parse_config(text, "x"); }));
}

TEST(ConfigTest, WhatWaitsForTheNextStartIsNamed) {
  Config now, wanted;
  wanted.log_level = "debug";
  wanted.quota.stored_bytes = 5;
  wanted.public_address = "b:1";
  wanted.parity_percent = 0;
  wanted.scrub_period = wanted.collect_every = wanted.prune_every = seconds(0);
  wanted.scrub_rate = 1;
  EXPECT_TRUE(changes_for_next_start(now, wanted).empty());
  wanted.listen = {"a:1"};
  wanted.bandwidth = 7;
  EXPECT_EQ(changes_for_next_start(now, wanted), (std::vector<std::string>{"listen", "limits.bandwidth"}));
}

Result<Config> parse_text(const std::string& text) {
  return parse_config(text, "config.toml");
}

TEST(RetentionConfigTest, RulesForAllAndForOne) {
  const auto config = parse_text(R"([retention]
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
  EXPECT_EQ(retention.undelete_for, std::chrono::hours(24 * 30));
  EXPECT_EQ(config->prune_every, std::chrono::hours(12));
}

TEST(RetentionConfigTest, WithoutRulesThereIsNoPolicy) {
  EXPECT_EQ(parse_text("")->retention.standard, std::nullopt);
  EXPECT_EQ(parse_text("[retention]\nkeep_last = 0\nfloor = \"1d\"\n")->retention.standard, std::nullopt);
}

TEST(RetentionConfigTest, MistakesAreNamed) {
  for (const char* line : {"keep_last = -1", "keep_last = \"some\"", "keep_last = 1.5", "keep_within = 3",
                           "floor = \"soon\"", "prune_every = \"40d\"", "keep_for_ever = 1"}) {
    const auto config = parse_text(std::string("[retention]\n") + line + "\n");
    ASSERT_FALSE(config) << line;
    EXPECT_NE(config.error().message.find("config.toml:2: "), std::string::npos) << config.error().message;
  }
}

TEST(QuantityTest, SizesRatesAndTimes) {
  EXPECT_EQ(parse_bytes("0"), 0u);
  EXPECT_EQ(parse_bytes("123"), 123u);
  EXPECT_EQ(parse_bytes("10 GiB"), 10ull << 30);
  EXPECT_EQ(parse_bytes("1.5KiB"), 1536u);
  EXPECT_EQ(parse_rate("20 MiB/s"), 20u << 20);
  EXPECT_EQ(parse_rate("0"), 0u);
  EXPECT_EQ(parse_duration("90m"), seconds(5400));
  EXPECT_EQ(parse_duration("2 d"), seconds(2 * 86400));
  for (const char* bad :
       {"", "GiB", "-1", "1 gib", "1 GiBs", "nan", "inf", "1e5", "99999999 TiB", "0x10", "1 2"})
    EXPECT_FALSE(parse_bytes(bad)) << bad;
  for (const char* bad : {"", "5", "1.5s", "s", "-1s", "1w", "99999d", "1h30m"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
  for (const char* bad : {"5", "5 MiB", "/s", "5 MiB/m"})
    EXPECT_FALSE(parse_rate(bad)) << bad;
}

TEST(QuantityTest, SizesAreShownShort) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(999), "999 B");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(5ull << 40), "5.0 TiB");
}

}  // namespace
}  // namespace rb::daemon
