#include "tree/directory_builder.h"

#include <algorithm>

#include "base/limits.h"
#include "tree/page_boundary.h"

namespace rb {
namespace {

// Pages with different names are different; only strangers who lie about a page's first name, which is
// believed where the page is taken over unread, make one page stand in two places.
Status check_distinct(const std::vector<PageChild>& children) {
  std::vector<ObjectId> ids;
  ids.reserve(children.size());
  for (const PageChild& child : children)
    ids.push_back(child.id);
  std::sort(ids.begin(), ids.end());
  if (std::adjacent_find(ids.begin(), ids.end()) == ids.end()) return {};
  return fail(Errc::corrupt, "tree page: stands in a directory twice");
}

}  // namespace

struct DirectoryBuilder::Impl {
  explicit Impl(ObjectSink& s) : sink(s) { levels.reserve(kMaxPageLevels); }

  // The open page of one level, and what became of those before it.
  struct Level {
    explicit Level(int level) : boundary(level) { page.level = level; }
    TreePage page;
    std::uint64_t page_entries = 0;  // entries beneath the open page
    PageBoundary boundary;
    std::uint64_t closed = 0;  // pages of this level; where pages came whole from elsewhere: at least so many
    ObjectId last_closed;
    bool open() const { return !page.entries.empty() || !page.children.empty(); }
  };

  ObjectSink& sink;
  std::vector<Level> levels;
  std::uint64_t entries = 0;
  std::string last_name;
  bool any = false;
  bool complete = false;

  Result<Level*> level(int number);
  Status check_order(std::string_view name);
  bool open_up_to(int number) const;
  Status close(int number);
  Status push(int number, PageChild child);
  Status take_over(const PageChild& page, int number);
};

Result<DirectoryBuilder::Impl::Level*> DirectoryBuilder::Impl::level(int number) {
  if (number >= kMaxPageLevels) return fail(Errc::invalid_argument, "a directory has too many entries");
  while (levels.size() <= static_cast<std::size_t>(number))
    levels.emplace_back(static_cast<int>(levels.size()));
  return &levels[static_cast<std::size_t>(number)];
}

// Names come from our callers in order; what they read from strangers they have checked. But only "/" has an
// empty name, and it stands alone: a stranger's root may lack it, and be merged with one of ours.
Status DirectoryBuilder::Impl::check_order(std::string_view name) {
  RB_ASSERT(!complete);
  RB_ASSERT(!any || last_name < name);
  if (any && last_name.empty()) return fail(Errc::corrupt, "tree page: an empty name among others");
  last_name = name;
  any = true;
  return {};
}

bool DirectoryBuilder::Impl::open_up_to(int number) const {
  for (const Level& l : levels) {
    if (l.page.level <= number && l.open()) return true;
  }
  return false;
}

// Puts the open page of the level, and adds it to the page above.
Status DirectoryBuilder::Impl::close(int number) {
  Level& l = levels[static_cast<std::size_t>(number)];
  TreePage& page = l.page;
  RB_TRY(check_distinct(page.children));
  PageChild child{
      number == 0 ? page.entries.front().name : page.children.front().first_name, l.page_entries, {}};
  RB_TRY(child.id, sink.put(encode_tree_page(page)));
  page.entries.clear();
  page.children.clear();
  l.page_entries = 0;
  l.boundary = PageBoundary(number);
  ++l.closed;
  l.last_closed = child.id;
  return push(number + 1, std::move(child));
}

Status DirectoryBuilder::Impl::push(int number, PageChild child) {
  RB_TRY(Level * l, level(number));
  const bool closes = l->boundary.add(child.first_name, page_weight(child));
  if (__builtin_add_overflow(l->page_entries, child.entry_count, &l->page_entries)) {
    return fail(Errc::corrupt, "tree page: a count of entries is impossible");
  }
  l->page.children.push_back(std::move(child));
  return closes ? close(number) : Status{};
}

Status DirectoryBuilder::Impl::take_over(const PageChild& page, int number) {
  RB_TRY(check_order(page.first_name));
  RB_TRY(Level * l, level(number));
  ++l->closed;
  l->last_closed = page.id;
  // A page above the leaves that is not the last has several children, so the levels below have no single
  // page.
  for (int below = 0; below < number; ++below)
    levels[static_cast<std::size_t>(below)].closed += 2;
  entries += page.entry_count;
  return push(number + 1, page);
}

DirectoryBuilder::DirectoryBuilder(ObjectSink& sink) : impl_(std::make_unique<Impl>(sink)) {}
DirectoryBuilder::~DirectoryBuilder() = default;
DirectoryBuilder::DirectoryBuilder(DirectoryBuilder&&) noexcept = default;

Status DirectoryBuilder::add(Entry entry) {
  RB_TRY(impl_->check_order(entry.name));
  RB_TRY(check_entry_fits(entry));
  RB_TRY(Impl::Level * leaf, impl_->level(0));
  const bool closes = leaf->boundary.add(entry.name, entry_bytes_max(entry));
  ++leaf->page_entries;
  ++impl_->entries;
  leaf->page.entries.push_back(std::move(entry));
  return closes ? impl_->close(0) : Status{};
}

Result<bool> DirectoryBuilder::add_page(const PageChild& page, int level, bool last) {
  if (last || impl_->open_up_to(level)) return false;
  RB_TRY(impl_->take_over(page, level));
  return true;
}

Result<bool> DirectoryBuilder::add_last_page(const PageChild& page, int level) {
  const auto index = static_cast<std::size_t>(level);
  if (impl_->open_up_to(level) || index >= impl_->levels.size() || impl_->levels[index].closed == 0)
    return false;
  RB_TRY(impl_->take_over(page, level));
  impl_->complete = true;
  return true;
}

const TreePage& DirectoryBuilder::open_leaf() const {
  static const TreePage empty;
  return impl_->levels.empty() ? empty : impl_->levels.front().page;
}

Result<ObjectId> DirectoryBuilder::finish() {
  if (!impl_->any) return impl_->sink.put(encode_tree_page(TreePage{}));
  // Ends: each level has at most half as many pages as the one below, and level() refuses too many levels.
  for (int number = 0;; ++number) {
    if (impl_->levels[static_cast<std::size_t>(number)].open()) RB_TRY(impl_->close(number));
    const Impl::Level& l = impl_->levels[static_cast<std::size_t>(number)];
    if (l.closed == 1) return l.last_closed;
  }
}

std::uint64_t DirectoryBuilder::entry_count() const {
  return impl_->entries;
}

}  // namespace rb
