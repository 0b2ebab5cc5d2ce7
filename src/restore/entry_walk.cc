#include "restore/entry_walk.h"

#include "base/limits.h"
#include "tree/directory_cursor.h"

namespace rb {

EntryWalk::EntryWalk(ObjectSource& source, const ObjectId& root_page)
    : source_(&source), root_pending_(true) {
  frames_.push_back({.id = root_page});
}

// A page says of the pages below it which level and first name they have; one that says otherwise of itself
// was put together by somebody hostile, or it is a mistake that must not be restored either.
Result<std::shared_ptr<const TreePage>> EntryWalk::load(const Frame& frame) const {
  RB_TRY(TreePage page, load_tree_page(*source_, frame.id));
  if (page.level > kMaxPageLevels || (frame.level >= 0 && page.level != frame.level)) {
    return fail(Errc::corrupt, "a directory page is of the wrong level");
  }
  if (frame.level >= 0) {
    const std::string* first = nullptr;
    if (!page.entries.empty()) first = &page.entries.front().name;
    if (!page.children.empty()) first = &page.children.front().first_name;
    if (first == nullptr || *first != frame.first_name) {
      return fail(Errc::corrupt, "a directory page holds other names than its parent says");
    }
  }
  return std::make_shared<const TreePage>(std::move(page));
}

Status EntryWalk::resume() {
  if (root_pending_) return {};
  for (Frame& frame : frames_) {
    if (frame.page) continue;
    auto page = load(frame);
    if (!page) {
      frames_.clear();  // what was readable a moment ago is not any more: nothing sensible can follow
      return std::unexpected(page.error());
    }
    frame.page = std::move(*page);
  }
  return {};
}

void EntryWalk::drop_finished() {
  while (!frames_.empty() && !root_pending_) {
    const Frame& top = frames_.back();
    RB_ASSERT(top.page);
    const std::size_t count = top.page->level == 0 ? top.page->entries.size() : top.page->children.size();
    if (top.index < count) return;
    frames_.pop_back();
  }
}

bool EntryWalk::at_end() {
  drop_finished();
  return frames_.empty();
}

std::optional<EntryWalk::Page> EntryWalk::page() {
  if (at_end()) return std::nullopt;
  if (root_pending_) return Page{&frames_[0].id, nullptr, 0, -1};
  const Frame& top = frames_.back();
  if (top.page->level == 0) return std::nullopt;
  const PageChild& child = top.page->children[top.index];
  return Page{&child.id, &child.first_name, child.entry_count, top.page->level - 1};
}

Status EntryWalk::open_page() {
  if (root_pending_) {
    root_pending_ = false;
    auto page = load(frames_[0]);
    if (!page) {
      frames_.clear();
      return std::unexpected(page.error());
    }
    frames_[0].page = std::move(*page);
    return {};
  }
  Frame& top = frames_.back();
  const PageChild& child = top.page->children[top.index++];
  Frame below{.id = child.id, .level = top.page->level - 1, .first_name = child.first_name};
  auto page = load(below);
  if (!page) {
    const std::string extent =
        " (" + std::to_string(child.entry_count) + " entries from \"" + child.first_name + "\" on)";
    return std::unexpected(Error(page.error().code, page.error().message + extent, page.error().sys_errno));
  }
  below.page = std::move(*page);
  frames_.push_back(std::move(below));
  return {};
}

void EntryWalk::skip() {
  RB_ASSERT(!at_end());
  if (root_pending_) {
    root_pending_ = false;
    frames_.clear();
    return;
  }
  ++frames_.back().index;
}

const Entry& EntryWalk::entry() {
  RB_ASSERT(!at_end() && !root_pending_);
  const Frame& top = frames_.back();
  RB_ASSERT(top.page->level == 0);
  return top.page->entries[top.index];
}

void EntryWalk::read_ahead() {
  constexpr std::size_t kPagesAhead = 32;
  if (root_pending_) return;
  const Frame& top = frames_.back();
  if (top.index % kPagesAhead != 0) return;
  std::vector<ObjectId> ids;
  for (std::size_t i = top.index; i < top.page->children.size() && ids.size() < kPagesAhead; ++i) {
    ids.push_back(top.page->children[i].id);
  }
  source_->prefetch(ids, Neighbours::welcome);
}

Result<const Entry*> EntryWalk::next() {
  while (!at_end()) {
    if (page()) {
      read_ahead();
      RB_TRY(open_page());
      continue;
    }
    const Entry* found = &entry();
    skip();
    return found;
  }
  return nullptr;
}

void EntryWalk::suspend() {
  for (Frame& frame : frames_)
    frame.page.reset();
}

}  // namespace rb
