// What the administrator configured about histories.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "repository/retention_policy.h"

namespace rb {

struct RetentionSettings {
  std::optional<RetentionPolicy> standard;         // nothing: everything stays
  std::map<std::string, RetentionPolicy> by_node;  // by the node's name, instead of the standard one
  // A deleted snapshot can be undeleted at least for so long.
  std::chrono::seconds undelete_for = std::chrono::hours(24) * 14;
  bool operator==(const RetentionSettings&) const = default;
};

}  // namespace rb
