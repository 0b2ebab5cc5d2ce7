#include "tree/page_walker.h"

#include <algorithm>

#include "base/limits.h"
#include "tree/directory_cursor.h"

namespace rb {
namespace {

// Pages asked for together when a directory is read from end to end: some 200 KB.
constexpr std::size_t kReadAheadPages = 32;

std::size_t item_count(const TreePage& page) {
  return page.level == 0 ? page.entries.size() : page.children.size();
}

const std::string& first_name(const TreePage& page) {
  return page.level == 0 ? page.entries.front().name : page.children.front().first_name;
}

const std::string& last_name(const TreePage& page) {
  return page.level == 0 ? page.entries.back().name : page.children.back().first_name;
}

Result<std::uint64_t> count_entries(const TreePage& page) {
  if (page.level == 0) return page.entries.size();
  std::uint64_t sum = 0;
  for (const PageChild& child : page.children) {
    if (child.entry_count == 0 || __builtin_add_overflow(sum, child.entry_count, &sum)) {
      return fail(Errc::corrupt, "tree page: a count of entries is impossible");
    }
  }
  return sum;
}

Status check_root(const TreePage& page) {
  if (page.level < 0 || page.level >= kMaxPageLevels)
    return fail(Errc::corrupt, "tree page: too many levels");
  if (item_count(page) == 0) {
    if (page.level > 0) return fail(Errc::corrupt, "tree page: an inner page without children");
    return {};
  }
  // Only "/" has an empty name, and it stands alone.
  if (first_name(page).empty() && (page.level > 0 || page.entries.size() > 1)) {
    return fail(Errc::corrupt, "tree page: an empty name among others");
  }
  return {};
}

Status check_child(const TreePage& page, const PageChild& expected, int level,
                   const std::optional<std::string_view>& bound) {
  if (page.level != level) return fail(Errc::corrupt, "tree page: wrong level");
  if (item_count(page) == 0) return fail(Errc::corrupt, "tree page: empty below the root");
  if (first_name(page) != expected.first_name) {
    return fail(Errc::corrupt, "tree page: does not begin with the name its parent says");
  }
  RB_TRY(const std::uint64_t count, count_entries(page));
  if (count != expected.entry_count) {
    return fail(Errc::corrupt, "tree page: does not hold as many entries as its parent says");
  }
  if (bound && last_name(page) >= *bound)
    return fail(Errc::corrupt, "tree page: names overlap the next page's");
  return {};
}

}  // namespace

Status PageWalker::open() {
  if (!root_id_) return {};
  RB_TRY(TreePage page, load_tree_page(*source_, *root_id_));
  RB_TRY(check_root(page));
  if (item_count(page) == 0) return {};
  RB_TRY(const std::uint64_t count, count_entries(page));
  TreePage above{.level = page.level + 1, .entries = {}, .children = {{first_name(page), count, *root_id_}}};
  root_ = std::make_shared<const TreePage>(std::move(page));
  above_root_ = std::make_shared<const TreePage>(std::move(above));
  frames_.push_back({above_root_});
  return {};
}

std::optional<std::string_view> PageWalker::bound_of(std::size_t depth) const {
  while (depth > 0) {
    const Frame& frame = frames_[--depth];
    const std::size_t next = frame.index + 1;
    if (next >= item_count(*frame.page)) continue;
    if (frame.page->level == 0) return frame.page->entries[next].name;
    return frame.page->children[next].first_name;
  }
  return std::nullopt;
}

Result<std::shared_ptr<const TreePage>> PageWalker::load_child() const {
  if (frames_.size() == 1) return root_;
  RB_TRY(TreePage loaded, load_tree_page(*source_, page().id));
  RB_TRY(check_child(loaded, page(), page_level(), bound()));
  return std::make_shared<const TreePage>(std::move(loaded));
}

Status PageWalker::expand() {
  RB_ASSERT(at_page());
  RB_TRY(std::shared_ptr<const TreePage> child, load_child());
  frames_.push_back({std::move(child)});
  return {};
}

void PageWalker::skip() {
  RB_ASSERT(!at_end());
  while (!frames_.empty() && ++frames_.back().index >= item_count(*frames_.back().page))
    frames_.pop_back();
}

bool PageWalker::covers(std::size_t depth, std::string_view name) const {
  if (depth == 0) return true;
  if (name < first_name(*frames_[depth].page)) return false;
  const std::optional<std::string_view> bound = bound_of(depth);
  return !bound || name < *bound;
}

Status PageWalker::seek(std::string_view name) {
  if (!above_root_) return {};
  while (!frames_.empty() && !covers(frames_.size() - 1, name))
    frames_.pop_back();
  if (frames_.empty()) frames_.push_back({above_root_});
  while (frames_.back().page->level > 0) {
    Frame& frame = frames_.back();
    const std::vector<PageChild>& children = frame.page->children;
    const auto after =
        std::upper_bound(children.begin(), children.end(), name,
                         [](std::string_view n, const PageChild& c) { return n < c.first_name; });
    frame.index = after == children.begin() ? 0 : static_cast<std::size_t>(after - children.begin() - 1);
    if (name <= children[frame.index].first_name) return {};
    RB_TRY(expand());
  }
  Frame& leaf = frames_.back();
  const std::vector<Entry>& entries = leaf.page->entries;
  const auto found = std::lower_bound(entries.begin(), entries.end(), name,
                                      [](const Entry& e, std::string_view n) { return e.name < n; });
  if (found == entries.end()) {
    leaf.index = entries.size() - 1;
    skip();
  } else {
    leaf.index = static_cast<std::size_t>(found - entries.begin());
  }
  return {};
}

void PageWalker::read_ahead() {
  if (!at_page() || frames_.size() == 1) return;
  Frame& frame = frames_.back();
  const std::vector<PageChild>& children = frame.page->children;
  if (frame.ahead > frame.index + kReadAheadPages / 2) return;
  const std::size_t from = std::max(frame.ahead, frame.index);
  const std::size_t to = std::min(children.size(), frame.index + kReadAheadPages);
  if (from >= to) return;
  std::vector<ObjectId> ids;
  for (std::size_t i = from; i < to; ++i)
    ids.push_back(children[i].id);
  frame.ahead = to;
  source_->prefetch(ids, Neighbours::welcome);
}

bool is_same_page(const PageWalker& a, const PageWalker& b) {
  return a.at_page() && b.at_page() && a.page_level() == b.page_level() && a.page() == b.page();
}

}  // namespace rb
