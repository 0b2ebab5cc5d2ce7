#include "backup/directory_knowledge.h"

namespace rb {

DirectoryKnowledge::DirectoryKnowledge(std::unique_ptr<CachedDirectory> cached,
                                       const std::optional<ObjectId>& head, ObjectSource& copy)
    : cached_(std::move(cached)) {
  head_is_cache_ = cached_ && head && cached_->tree() == head;
  if (head && !head_is_cache_) cursor_.emplace(copy, *head);
}

Result<std::optional<std::string_view>> DirectoryKnowledge::head_name() {
  if (head_is_cache_) {
    const CachedRow* const row = cached_->current();
    return row ? std::optional(row->name) : std::nullopt;
  }
  if (!cursor_) return std::nullopt;
  RB_TRY(const Entry* const entry, cursor_->current());
  return entry ? std::optional<std::string_view>(entry->name) : std::nullopt;
}

Result<DirectoryKnowledge::Known> DirectoryKnowledge::move_to(std::string_view name) {
  Known known;
  if (cached_) {
    const CachedRow* row = cached_->current();
    while (row && row->name < name) {
      cached_->next();
      row = cached_->current();
    }
    if (row && row->name == name) known.row = row;
  }
  known.in_head = head_is_cache_ && known.row;
  if (cursor_) {
    RB_TRY(const Entry* entry, cursor_->current());
    if (entry && entry->name < name) {
      RB_TRY(cursor_->next());
      RB_TRY(entry, cursor_->current());
      // Neighbours are one step apart; whoever skips far finds the page.
      if (entry && entry->name < name) {
        RB_TRY(cursor_->seek(name));
        RB_TRY(entry, cursor_->current());
      }
    }
    known.in_head = entry && entry->name == name;
  }
  return known;
}

Result<const Entry*> DirectoryKnowledge::head_entry() {
  if (head_is_cache_) return row_entry();
  return cursor_->current();
}

Result<const Entry*> DirectoryKnowledge::row_entry() {
  return cached_->entry();
}

Status DirectoryKnowledge::pass_head() {
  if (!head_is_cache_) return cursor_->next();
  cached_->next();
  return {};
}

}  // namespace rb
