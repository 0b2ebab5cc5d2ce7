// The text that Prometheus reads: every line of the right form, and names that can't break out of it.
#include "api/metrics.h"

#include <regex>
#include <sstream>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace rb::api {
namespace {

std::string encode(const std::vector<NodeOverview>& nodes, const TransportState& transport = {}) {
  return encode_metrics({}, transport, nodes, {});
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

NodeOverview node(const std::string& name) {
  NodeOverview overview;
  overview.node = 1;
  overview.name = name;
  return overview;
}

void expect_well_formed(const std::string& text) {
  static const std::regex comment("# (HELP|TYPE) [a-zA-Z_][a-zA-Z0-9_]* .+");
  static const std::regex sample(
      "[a-zA-Z_][a-zA-Z0-9_]*(\\{[a-z]+=\"([^\"\\\\\n]|\\\\[\"\\\\n])*\"\\})? [-+0-9.e]+(inf|nan)?");
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    EXPECT_TRUE(std::regex_match(line, comment) || std::regex_match(line, sample)) << line;
}

TEST(MetricsTest, WhatIsKnownIsSaid) {
  NodeOverview ana = node("ana");
  ana.last_backup = SnapshotInfo{.received = {1'700'000'000, 999}};
  ana.snapshot_count = 12;
  ana.stored_bytes = 5'000'000'000;
  const std::string text =
      encode_metrics({.read_only = true, .object_count = 10, .open_sessions = 3}, {}, {ana, node("new")}, {});
  expect_well_formed(text);
  EXPECT_TRUE(has_line(text, "rbbackup_node_last_backup_timestamp_seconds{node=\"ana\"} 1700000000"));
  EXPECT_TRUE(has_line(text, "rbbackup_node_snapshots{node=\"ana\"} 12"));
  EXPECT_TRUE(has_line(text, "rbbackup_node_stored_bytes{node=\"ana\"} 5000000000"));
  EXPECT_TRUE(has_line(text, "rbbackup_read_only 1"));
  EXPECT_TRUE(has_line(text, "rbbackup_sessions_open 3"));
  EXPECT_TRUE(has_line(text, "rbbackup_nodes 2"));
  EXPECT_EQ(text.find("timestamp_seconds{node=\"new\"}"), std::string::npos) << "no backup yet is no sample";
}

TEST(MetricsTest, NamesCantBreakOutOfTheirLabel) {
  const std::string text = encode({node("a\"} 1\nb\\")});
  expect_well_formed(text);
  EXPECT_TRUE(has_line(text, R"(rbbackup_node_snapshots{node="a\"} 1\nb\\"} 0)"));
  EXPECT_TRUE(rc::check([](const std::string& name) { expect_well_formed(encode({node(name)})); }));
}

TEST(MetricsTest, TheHistogramIsCumulative) {
  TransportState transport;
  transport.request_seconds = {.upper_bounds = {0.001, 0.5}, .counts = {4, 2, 1}, .sum = 3.25};
  transport.numbers = {{"connections_open", "Connections.", false, 7}, {"bytes_in_total", "Bytes.", true, 9}};
  const std::string text = encode({}, transport);
  expect_well_formed(text);
  EXPECT_TRUE(has_line(text, "rbbackup_request_seconds_bucket{le=\"0.001\"} 4"));
  EXPECT_TRUE(has_line(text, "rbbackup_request_seconds_bucket{le=\"0.5\"} 6"));
  EXPECT_TRUE(has_line(text, "rbbackup_request_seconds_bucket{le=\"+Inf\"} 7"));
  EXPECT_TRUE(has_line(text, "rbbackup_request_seconds_sum 3.25"));
  EXPECT_TRUE(has_line(text, "rbbackup_request_seconds_count 7"));
  EXPECT_TRUE(has_line(text, "# TYPE rbbackup_bytes_in_total counter"));
  EXPECT_TRUE(has_line(text, "rbbackup_connections_open 7"));
}

TEST(MetricsTest, EachFamilyIsDescribedOnce) {
  const std::string text = encode({node("a"), node("b")});
  std::map<std::string, int> types;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) ++types[line.substr(7, line.find(' ', 7) - 7)];
  }
  EXPECT_FALSE(types.empty());
  for (const auto& [name, times] : types)
    EXPECT_EQ(times, 1) << name;
}

}  // namespace
}  // namespace rb::api
