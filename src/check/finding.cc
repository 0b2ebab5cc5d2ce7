#include "check/finding.h"

namespace rb {

std::string_view to_string(FindingKind kind) {
  switch (kind) {
    case FindingKind::corrected:
      return "corrected";
    case FindingKind::damaged:
      return "damaged";
    case FindingKind::incomplete:
      return "incomplete";
    case FindingKind::catalog:
      return "catalog";
    case FindingKind::spare:
      return "spare";
    case FindingKind::unreadable:
      return "unreadable";
  }
  return "unknown";
}

void Findings::add(Finding finding) {
  ++count;
  if (is_damage(finding.kind)) ++damage_count;
  if (list.size() < kFindingsMax) list.push_back(std::move(finding));
}

void Findings::add_all(Findings others) {
  const std::uint64_t count_in_all = count + others.count;
  const std::uint64_t damage_in_all = damage_count + others.damage_count;
  for (Finding& finding : others.list)
    add(std::move(finding));
  count = count_in_all;
  damage_count = damage_in_all;
}

}  // namespace rb
