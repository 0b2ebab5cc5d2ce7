#include "daemon/node_table.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>

#include "daemon/quantity.h"

namespace rb::daemon {

namespace {

constexpr std::size_t kColumns = 10;
using Row = std::array<std::string, kColumns>;

constexpr std::array<const char*, kColumns> kHeading = {"NODE",      "STATE",  "GROUP",  "LAST BACKUP",
                                                        "SNAPSHOTS", "SIZE",   "STORED", "LAST ADDRESS",
                                                        "LAST SEEN", "VERSION"};

std::string state_of(const NodeOverview& node) {
  std::string state = node.node == 0 ? "invited" : node.revoked ? "removed" : "active";
  if (node.node != 0 && node.invited) state += ", invited";
  if (node.cloned) state += ", cloned!";
  return state;
}

Row row_of(const NodeOverview& node) {
  return {printable_name(node.name),
          state_of(node),
          printable_name(node.group),
          node.last_backup ? local_time(node.last_backup->received) : "never",
          std::to_string(node.snapshot_count),
          format_bytes(node.logical_bytes),
          format_bytes(node.stored_bytes),
          printable_name(node.last_address),
          node.last_seen ? local_time(*node.last_seen) : "-",
          printable_name(node.client_version)};
}

}  // namespace

std::string printable_name(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return text.empty() ? "-" : text;
}

std::string local_time(const Timestamp& time) {
  const std::time_t seconds = time.seconds;
  std::tm parts{};
  std::array<char, 32> text{};
  if (::localtime_r(&seconds, &parts) == nullptr ||
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts) == 0)
    return std::to_string(time.seconds);
  return text.data();
}

std::string node_table(const std::vector<NodeOverview>& nodes) {
  std::vector<Row> rows(1);
  std::copy(kHeading.begin(), kHeading.end(), rows[0].begin());
  for (const NodeOverview& node : nodes)
    rows.push_back(row_of(node));
  std::array<std::size_t, kColumns> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < kColumns; ++i)
      widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < kColumns; ++i)
      line += fmt::format("{:<{}}", row[i], widths[i] + 2);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace rb::daemon
