#include "tree/directory_merge.h"

#include <algorithm>

namespace rb {
namespace {

std::optional<std::string> smaller_bound(const PageWalker& a, const PageWalker& b) {
  const std::optional<std::string_view> x = a.bound();
  const std::optional<std::string_view> y = b.bound();
  if (!x && !y) return std::nullopt;
  return std::string(!y || (x && *x < *y) ? *x : *y);
}

}  // namespace

const ObjectId& empty_directory_id() {
  static const ObjectId id = object_id(encode_tree_page(TreePage{}));
  return id;
}

DirectoryMerge::DirectoryMerge(ObjectSource& source, ObjectSink& sink, const ContentSides& sides)
    : sink_(sink),
      sides_(sides),
      walkers_{PageWalker(source, sides.base), PageWalker(source, sides.head), PageWalker(source, sides.own)},
      builder_(sink) {}

Status DirectoryMerge::open() {
  for (PageWalker& walker : walkers_)
    RB_TRY(walker.open());
  return {};
}

Result<std::optional<ContentSides>> DirectoryMerge::advance() {
  while (!at_end()) {
    RB_TRY(const bool passed, pass_equal_pages());
    if (passed) continue;
    const std::string smallest(smallest_name());
    RB_TRY(const bool opened, open_smallest_page(smallest));
    if (opened) continue;
    EntryPlan plan = plan_smallest(smallest);
    if (plan.merge) {
      pending_ = std::move(plan);
      return pending_.merge;
    }
    if (plan.entry) RB_TRY(builder_.add(*std::move(plan.entry)));
  }
  return std::nullopt;
}

Status DirectoryMerge::give(const std::optional<ObjectId>& merged) {
  EntryPlan plan = std::move(pending_);
  const bool empty = !merged || *merged == empty_directory_id();
  if (empty && plan.replace_if_empty) {
    return plan.replacement ? builder_.add(*std::move(plan.replacement)) : Status{};
  }
  if (empty && plan.empty_as_entry) {
    if (plan.entry->content_kind == ContentKind::tree) {
      RB_TRY(plan.entry->content, DirectoryBuilder(sink_).finish());
    }
    return builder_.add(*std::move(plan.entry));
  }
  plan.entry->content_kind = merged ? ContentKind::tree : ContentKind::none;
  plan.entry->content = merged.value_or(ObjectId{});
  return builder_.add(*std::move(plan.entry));
}

// Where two sides have the same page, the third decides about its names, and it need not be opened.
Result<bool> DirectoryMerge::pass_equal_pages() {
  struct Pair {
    Side a, b, third;
  };
  // Own and head alike come first: it does not matter then what base had.
  constexpr Pair kPairs[] = {{kOwn, kHead, kBase}, {kBase, kHead, kOwn}, {kBase, kOwn, kHead}};
  for (const Pair& pair : kPairs) {
    if (!is_same_page(walkers_[pair.a], walkers_[pair.b])) continue;
    RB_TRY(pass_pair(pair.a, pair.b, pair.third));
    return true;
  }
  return false;
}

// Up to the bound of the shared page, neither side has a name that is not in it.
Status DirectoryMerge::pass_pair(Side a, Side b, Side third) {
  const std::optional<std::string> limit = smaller_bound(walkers_[a], walkers_[b]);
  if (third == kBase) {
    RB_TRY(take_page_of_both(limit));
    return drop_until(walkers_[kBase], limit);
  }
  walkers_[a].skip();
  walkers_[b].skip();
  return copy_until(walkers_[third], builder_, limit);
}

Status DirectoryMerge::take_page_of_both(const std::optional<std::string>& limit) {
  PageWalker& own = walkers_[kOwn];
  PageWalker& head = walkers_[kHead];
  // The page closed by the rule if it is not the last on one side at least.
  const bool last = !limit;
  RB_TRY(bool copied, builder_.add_page(own.page(), own.page_level(), last));
  if (!copied && last) {
    RB_TRY(copied, builder_.add_last_page(own.page(), own.page_level()));
  }
  head.skip();
  if (!copied) {
    RB_TRY(own.expand());
    return copy_until(own, builder_, limit);
  }
  own.skip();
  return {};
}

std::string_view DirectoryMerge::smallest_name() const {
  std::optional<std::string_view> smallest;
  for (const PageWalker& walker : walkers_) {
    if (!walker.at_end() && (!smallest || walker.name() < *smallest)) smallest = walker.name();
  }
  return *smallest;
}

bool DirectoryMerge::at_end() const {
  return std::all_of(walkers_.begin(), walkers_.end(), [](const PageWalker& w) { return w.at_end(); });
}

// Where a page begins with the smallest name, it is opened; or passed over, when the other sides have none of
// its names. Of several, the highest: it may hold the others.
Result<bool> DirectoryMerge::open_smallest_page(std::string_view smallest) {
  PageWalker* highest = nullptr;
  for (PageWalker& walker : walkers_) {
    if (!walker.at_page() || walker.name() != smallest) continue;
    if (highest == nullptr || walker.page_level() > highest->page_level()) highest = &walker;
  }
  if (highest == nullptr) return false;
  const std::optional<std::string_view> bound = highest->bound();
  bool alone = true;
  bool rest_at_end = true;
  for (const PageWalker& walker : walkers_) {
    if (&walker == highest || walker.at_end()) continue;
    rest_at_end = false;
    if (!bound || walker.name() < *bound) alone = false;
  }
  if (!alone) {
    RB_TRY(highest->expand());
  } else if (highest == &walkers_[kBase]) {
    highest->skip();
  } else {
    RB_TRY(copy_or_expand(*highest, builder_, rest_at_end ? MoreFollows::no : MoreFollows::yes));
  }
  return true;
}

// Every side that has the name is at its entry: open_smallest_page found no page that might hold it.
EntryPlan DirectoryMerge::plan_smallest(std::string_view smallest) {
  std::array<const Entry*, 3> entries = {};
  for (std::size_t side = 0; side < walkers_.size(); ++side) {
    if (walkers_[side].at_entry() && walkers_[side].name() == smallest)
      entries[side] = &walkers_[side].entry();
  }
  EntryPlan plan = plan_entry({entries[kBase], entries[kHead], entries[kOwn]});
  for (std::size_t side = 0; side < walkers_.size(); ++side) {
    if (entries[side] != nullptr) walkers_[side].skip();
  }
  return plan;
}

}  // namespace rb
