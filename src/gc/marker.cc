#include "gc/marker.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace rb {

namespace {
constexpr std::size_t kFindAtOnce = 4096;
}

Marker::~Marker() {
  if (marking_) core_.gate().abandon_mark();
}

Status Marker::begin() {
  RB_TRY(const std::vector<ObjectNumber> begins, core_.catalog().begins());
  young_from_ = begins.size() < kYoungCollections ? 0 : begins[begins.size() - kYoungCollections];
  if (options_.counts_as_begun) RB_TRY(note_begin(begins));
  marking_ = true;
  RB_TRY(limit_, core_.writer().begin_mark());
  return {};
}

// Before the mark: should a crash lose it, more counts as young. Together with the next number, for numbers
// that a crash takes back and gives again must not count as older than a collection that began before.
Status Marker::note_begin(const std::vector<ObjectNumber>& begins) {
  return core_.writer().with_catalog_still([&] {
    CatalogBatch batch;
    batch.next_number = core_.index().next_number();
    batch.begins = begins;
    batch.begins->push_back(*batch.next_number);
    if (batch.begins->size() > kYoungCollections) {
      batch.begins->erase(batch.begins->begin(), batch.begins->end() - kYoungCollections);
    }
    return core_.catalog().apply(batch);
  });
}

Status Marker::take_roots() {
  CollectionGate& gate = core_.gate();
  gate.add_root_range(young_from_, limit_);
  core_.sessions().for_each([&gate](const SessionState& session) {
    session.for_each_pin([&gate](ObjectNumber first, ObjectNumber end) { gate.add_root_range(first, end); });
  });
  RB_TRY(take_snapshots());
  below_ = gate.begin_pass();
  in_pass_ = true;
  return {};
}

Status Marker::take_snapshots() {
  // A commit or undeletion that was checked before the mark began has shaded nothing; now it is in the
  // journal, or failed.
  core_.book().barrier();
  std::map<std::uint32_t, std::vector<ObjectId>> by_domain;
  RB_TRY(core_.book().visit_kept(options_.judged_before, [&](const CatalogCommit& commit) -> Status {
    by_domain[commit.domain].push_back(commit.snapshot.object);
    return {};
  }));
  for (auto& [domain, snapshots] : by_domain) {
    std::sort(snapshots.begin(), snapshots.end());
    for (std::size_t first = 0; first < snapshots.size(); first += kFindAtOnce) {
      const std::size_t count = std::min(kFindAtOnce, snapshots.size() - first);
      RB_TRY(root_snapshots(domain, std::span(snapshots).subspan(first, count)));
    }
  }
  return {};
}

Status Marker::root_snapshots(std::uint32_t domain, std::span<const ObjectId> snapshots) {
  RB_TRY(const ObjectIndex::Answer answer, core_.index().find(domain, snapshots));
  std::vector<ObjectNumber> numbers;
  for (std::size_t i = 0; i < snapshots.size(); ++i) {
    if (!answer.found[i]) {
      return fail(
          Errc::corrupt,
          fmt::format("nothing is collected, since the catalog lacks the object {} of a snapshot: stop "
                      "the server and delete {}, which is made anew then; a snapshot that is missing "
                      "even so is lost, and has to be deleted",
                      to_hex(snapshots[i]), core_.directory().catalog()));
    }
    if (!answer.found[i]->complete() && !options_.though_damaged) {
      return fail(
          Errc::corrupt,
          fmt::format("nothing is collected, since something beneath the snapshot object {} is lost: put "
                      "missing packs back and delete {}, which is made anew then; or delete the snapshot",
                      to_hex(snapshots[i]), core_.directory().catalog()));
    }
    numbers.push_back(answer.found[i]->row.number);
  }
  core_.gate().add_roots(numbers);
  return {};
}

Result<bool> Marker::step() {
  RB_ASSERT(marking_);
  if (in_pass_) {
    RB_TRY(scan_stretch());
    return true;
  }
  const CollectionGate::Late late = core_.gate().take_late();
  RB_TRY(scan_late(late.numbers));
  if (late.pass_again) {
    below_ = core_.gate().begin_pass();
    in_pass_ = true;
  }
  return !core_.gate().nothing_is_grey();
}

// What a session stores meanwhile is no concern of the pass: it is born with its references marked.
Status Marker::scan_stretch() {
  std::vector<CollectionGate::MarkPage> pages;
  pages.reserve(options_.stretch_pages);
  RB_TRY(core_.catalog().visit_children(
      below_, options_.stretch_pages, [&](ObjectNumber number, std::vector<ObjectNumber> children) -> Status {
        pages.push_back({number, std::move(children)});
        return {};
      }));
  core_.gate().scan(pages);
  if (pages.size() < options_.stretch_pages) {
    core_.gate().end_pass();
    in_pass_ = false;
  } else {
    below_ = pages.back().number;
  }
  return {};
}

Status Marker::scan_late(const std::vector<ObjectNumber>& numbers) {
  std::vector<CollectionGate::MarkPage> pages;
  pages.reserve(numbers.size());
  for (const ObjectNumber number : numbers) {
    RB_TRY(auto children, core_.catalog().children(number));
    pages.push_back({number, std::move(children)});
  }
  core_.gate().scan_late(pages);
  return {};
}

Result<bool> Marker::freeze() {
  RB_ASSERT(marking_ && !in_pass_);
  const Result<bool> frozen = core_.writer().freeze();
  if (!frozen || *frozen) marking_ = false;
  return frozen;
}

DeadSet Marker::abandon() {
  RB_ASSERT(marking_);
  marking_ = false;
  return core_.gate().abandon_mark();
}

}  // namespace rb
