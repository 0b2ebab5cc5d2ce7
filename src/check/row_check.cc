#include "check/row_check.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace rb {

namespace {

constexpr std::size_t kBrokenMax = 100'000;

class RowCheck {
 public:
  RowCheck(RepositoryCore& core, const Pace& pace, Findings& findings)
      : core_(core), pace_(pace), findings_(findings) {}

  Result<RowCheckReport> run() {
    settle_rows(core_);
    RB_TRY(const CatalogState state, core_.catalog().state());
    report_.limit = state.next_number;
    RB_TRY(const auto counts, core_.catalog().object_counts());
    RB_TRY(scan_rows());
    RB_TRY(compare_counts(counts));
    RB_TRY(
        visit_children(core_, pace_, report_.limit, [&](ObjectNumber number, const auto& children) -> Status {
          take_children(number, children);
          return {};
        }));
    if (!broken_numbers_.empty()) RB_TRY(name_broken());
    return std::move(report_);
  }

 private:
  Status scan_rows() {
    const std::vector<std::uint64_t> packs = core_.packs().packs();
    return visit_rows(core_, pace_, [&](const LocatedRow& located) -> Status {
      const ObjectRow& row = located.row;
      ++report_.objects;
      ++by_domain_[located.domain];
      ++report_.by_pack[row.at.pack];
      if (row.number < report_.limit) {
        exists_.add(row.number);
        if ((row.flags & kRowIncomplete) == 0) complete_.add(row.number);
      }
      if (!std::binary_search(packs.begin(), packs.end(), row.at.pack)) no_pack_.insert(row.at.pack);
      return {};
    });
  }

  // Counts include what is dead and not yet swept; while that is so, or anything moved, they prove nothing.
  Status compare_counts(const std::map<std::uint32_t, std::uint64_t>& before) {
    RB_TRY(const auto after, core_.catalog().object_counts());
    const std::vector<std::uint64_t> packs = core_.packs().packs();
    for (const std::uint64_t pack : no_pack_) {
      if (std::binary_search(packs.begin(), packs.end(), pack)) continue;  // opened meanwhile
      findings_.add(
          {.kind = FindingKind::damaged,
           .where = core_.packs().path(pack),
           .what = fmt::format("the pack is missing; {} objects were in it", report_.by_pack[pack]),
           .advice = "put the file back from wherever it is; without it, start the server: it takes stock of "
                     "what is left, and backups bring again what they still have",
           .affected = {}});
    }
    if (core_.gate().dead_set() != nullptr || before != after) return {};
    for (const auto& [domain, count] : after) {
      if (by_domain_[domain] == count) continue;
      findings_.add({.kind = FindingKind::catalog,
                     .where = fmt::format("{}, domain {}", core_.directory().catalog(), domain),
                     .what = fmt::format("it counts {} objects and has {}", count, by_domain_[domain]),
                     .advice = kRebuildAdvice,
                     .affected = {}});
    }
    return {};
  }

  void take_children(ObjectNumber number, const std::vector<ObjectNumber>& children) {
    if (!children.empty()) report_.with_children.add(number);
    report_.references += children.size();
    if (!complete_.contains(number)) return;
    const bool is_whole = std::all_of(children.begin(), children.end(),
                                      [&](ObjectNumber child) { return complete_.contains(child); });
    if (!is_whole && broken_numbers_.size() < kBrokenMax) broken_numbers_.push_back(number);
  }

  // Whose rows these are. What was collected meanwhile has none.
  Status name_broken() {
    std::sort(broken_numbers_.begin(), broken_numbers_.end());
    RB_TRY(visit_rows(core_, pace_, [&](const LocatedRow& row) -> Status {
      if (std::binary_search(broken_numbers_.begin(), broken_numbers_.end(), row.row.number))
        report_.broken.push_back(row);
      return {};
    }));
    for (const LocatedRow& row : report_.broken) {
      findings_.add({.kind = FindingKind::incomplete,
                     .where = fmt::format("{} {}", to_string(row.row.kind), to_hex(row.id)),
                     .what = "it refers to something that is not there, or incomplete itself",
                     .advice = "back up again: who still has the contents sends them",
                     .affected = {}});
    }
    return {};
  }

  RepositoryCore& core_;
  const Pace& pace_;
  Findings& findings_;
  RowCheckReport report_;
  NumberBitmap exists_, complete_;
  std::map<std::uint32_t, std::uint64_t> by_domain_;
  std::set<std::uint64_t> no_pack_;
  std::vector<ObjectNumber> broken_numbers_;
};

}  // namespace

Result<RowCheckReport> check_rows(RepositoryCore& core, const Pace& pace, Findings& findings) {
  return RowCheck(core, pace, findings).run();
}

}  // namespace rb
