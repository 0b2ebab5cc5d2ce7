#include <algorithm>

#include <fmt/format.h>

#include "restore/history.h"
#include "restore/snapshot_pages.h"
#include "restore/when.h"

namespace rb {
namespace {

std::unexpected<Error> no_snapshots() {
  return fail(Errc::not_found, "there is no snapshot yet: nothing has been backed up");
}

Result<SnapshotInfo> find_latest(Session& session) {
  SnapshotQuery query;
  query.limit = 1;
  RB_TRY(const std::vector<SnapshotInfo> newest, session.snapshots(query));
  if (newest.empty()) return no_snapshots();
  return newest.front();
}

// By the order of commits, not by time alone: where the server's clock was set back, the later commit counts.
Result<SnapshotInfo> find_before(Session& session, const Timestamp& end) {
  std::optional<SnapshotInfo> found, oldest;
  RB_TRY(visit_snapshot_infos(session, [&](const SnapshotInfo& info) -> Result<bool> {
    oldest = info;
    if (info.received < end) found = info;
    return !found;
  }));
  if (found) return *found;
  if (!oldest) return no_snapshots();
  return fail(Errc::not_found, fmt::format("there is no snapshot that old: the oldest is {} of {}",
                                           to_hex(oldest->id).substr(0, 8), format_local(oldest->received)));
}

// For a person; that nothing is known of deleted ones is no error of its own.
std::string what_became_of(Session& session, const std::string& hex) {
  SnapshotQuery query{.deleted = true};
  while (true) {
    const auto page = session.snapshots(query);
    if (!page || page->empty()) return fmt::format("there is no snapshot {}", hex);
    for (const SnapshotInfo& info : *page) {
      if (!to_hex(info.id).starts_with(hex) || !info.gone_after) continue;
      return fmt::format(
          "the snapshot {} of {} is deleted; the server's administrator can undelete it until a "
          "collection that begins after {}",
          to_hex(info.id).substr(0, 12), format_local(info.received), format_local(*info.gone_after));
    }
    query.before_sequence = page->back().sequence;
  }
}

Result<SnapshotInfo> find_by_prefix(Session& session, const std::string& hex) {
  constexpr std::size_t kCandidatesNamed = 8;
  std::vector<SnapshotInfo> candidates;
  RB_TRY(visit_snapshot_infos(session, [&](const SnapshotInfo& info) -> Result<bool> {
    if (to_hex(info.id).starts_with(hex)) candidates.push_back(info);
    return candidates.size() <= kCandidatesNamed;
  }));
  if (candidates.size() == 1) return candidates.front();
  if (candidates.empty()) return fail(Errc::not_found, what_became_of(session, hex));
  std::string names;
  for (std::size_t i = 0; i < std::min(candidates.size(), kCandidatesNamed); ++i) {
    names += fmt::format("{}{} ({})", i == 0 ? "" : ", ", to_hex(candidates[i].id),
                         format_local(candidates[i].received));
  }
  if (candidates.size() > kCandidatesNamed) names += ", ...";
  return fail(Errc::invalid_argument, fmt::format("\"{}\" could be any of {}", hex, names));
}

}  // namespace

Result<SnapshotInfo> resolve_when(Session& session, std::string_view text, const Clock& clock) {
  RB_TRY(const When when, parse_when(text, clock.wall()));
  if (const auto* before = std::get_if<SnapshotBefore>(&when)) return find_before(session, before->end);
  if (const auto* prefix = std::get_if<SnapshotPrefix>(&when)) return find_by_prefix(session, prefix->hex);
  return find_latest(session);
}

}  // namespace rb
