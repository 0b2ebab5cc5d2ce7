#include "backup/directory_output.h"

namespace rb {

Status DirectoryOutput::Pages::put_named(const ObjectId& id, Object object) {
  all.push_back(id);
  if (cache && level_of_page(object.payload) == 0) cache->close_page(id, object);
  if (held.contains(id)) return {};
  return next_.put_named(id, std::move(object));
}

DirectoryOutput::DirectoryOutput(WalkContext& context, const std::string& path, const CachedDirectory* cached,
                                 bool held, bool edits)
    : context_(context), path_(path), edits_(edits), pages_(context.uploader) {
  if (cached) cached_tree_ = cached->tree();
  if (cached && held && cached_tree_ && !context.trust_nothing) cached_pages_ = cached->page_ids();
}

DirectoryOutput::~DirectoryOutput() {
  if (cache_ && builder_) cache_->checkpoint(builder_->open_leaf());
}

Status DirectoryOutput::begin() {
  if (builder_) return {};
  if (edits_) {
    old_ = context_.cache.old()->find(path_);
    if (!old_ || old_->tree() != cached_tree_) return fail(Errc::corrupt, "the file cache is damaged");
  }
  pages_.held.insert(cached_pages_.begin(), cached_pages_.end());
  cached_pages_.clear();
  builder_.emplace(pages_);
  cache_ = context_.cache.begin_directory(path_);
  pages_.cache = cache_.get();
  return {};
}

Status DirectoryOutput::add(Entry entry, const Signature& signature) {
  RB_TRY(begin());
  RB_TRY(copy_up_to(entry.name));
  return append(std::move(entry), signature);
}

Status DirectoryOutput::remove(std::string_view name) {
  RB_ASSERT(edits_);
  RB_TRY(begin());
  return copy_up_to(name);
}

Status DirectoryOutput::append(Entry entry, const Signature& signature) {
  if (cache_) cache_->add_row(entry.name, entry.type, signature);
  RB_TRY(builder_->add(std::move(entry)));
  context_.cache.checkpoint_now_and_then();  // a large directory takes long
  if (cache_ && cache_->wants_checkpoint()) cache_->checkpoint(builder_->open_leaf());
  return {};
}

Status DirectoryOutput::copy_up_to(std::optional<std::string_view> name) {
  while (const CachedRow* const row = old_ ? old_->current() : nullptr) {
    if (name && row->name >= *name) {
      if (row->name == *name) old_->next();
      return {};
    }
    RB_TRY(const bool copied, copy_page(name));
    if (!copied) RB_TRY(copy_row());
  }
  return {};
}

// Takes over the page that begins here, where that makes the same tree as adding its entries would.
Result<bool> DirectoryOutput::copy_page(std::optional<std::string_view> end) {
  RB_TRY(const CachedPage* const page, old_->page());
  if (page == nullptr || (end && page->rows.back().name >= *end)) return false;
  const PageChild child{std::string(page->rows.front().name), page->rows.size(), page->id};
  const bool is_last = page->last && !end;
  RB_TRY(const bool taken,
         is_last ? builder_->add_last_page(child, 0) : builder_->add_page(child, 0, page->last));
  if (!taken) return false;
  for (const CachedRow& row : page->rows)
    carry_over(row.name, row.type);
  if (cache_) cache_->add_page(*page);
  pages_.all.push_back(page->id);
  old_->skip_page();
  return true;
}

Status DirectoryOutput::copy_row() {
  const Signature signature = old_->current()->signature;
  RB_TRY(const Entry* const entry, old_->entry());
  carry_over(entry->name, entry->type);
  RB_TRY(append(*entry, signature));
  old_->next();
  return {};
}

void DirectoryOutput::carry_over(std::string_view name, EntryType type) {
  if (type == EntryType::directory) context_.cache.carry_over(join_name(path_, name));
}

Result<DirectoryOutput::Finished> DirectoryOutput::finish() {
  if (edits_ && !builder_) return Finished{.tree = *cached_tree_, .clean = true};
  RB_TRY(begin());
  RB_TRY(copy_up_to(std::nullopt));
  if (old_ && !old_->tree()) return fail(Errc::corrupt, "the file cache is damaged");
  RB_TRY(const ObjectId tree, builder_->finish());
  builder_.reset();
  if (cache_) cache_->close(tree, pages_.all);
  context_.cache.checkpoint_now_and_then();
  return Finished{.tree = tree, .clean = false};
}

}  // namespace rb
