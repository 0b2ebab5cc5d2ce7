#include "backup/directory_output.h"

namespace rb {

Result<ObjectId> DirectoryOutput::Pages::put(Object object) {
  const ObjectId id = object_id(object);
  all.push_back(id);
  if (held.contains(id)) return id;
  return next_.put(std::move(object));
}

DirectoryOutput::DirectoryOutput(WalkContext& context, const std::string& path, const CachedDirectory* cached,
                                 bool held, bool unbuilt)
    : context_(context), path_(path), pages_(context.uploader) {
  if (cached) cached_tree_ = cached->tree();
  if (cached && held && cached_tree_ && !context.trust_nothing) cached_pages_ = cached->page_ids();
  if (!unbuilt) begin();
}

void DirectoryOutput::begin() {
  pages_.held.insert(cached_pages_.begin(), cached_pages_.end());
  cached_pages_.clear();
  builder_.emplace(pages_);
  cache_ = context_.cache.begin_directory(path_);
}

Status DirectoryOutput::start_building(std::string_view name) {
  begin();
  const std::unique_ptr<CachedDirectory> rows = context_.cache.old()->find(path_);
  while (const CachedRow* const row = rows ? rows->current() : nullptr) {
    if (row->name >= name) break;
    const Signature signature = row->signature;
    RB_TRY(const Entry* const entry, rows->entry());
    if (entry->type == EntryType::directory) context_.cache.carry_over(join_name(path_, entry->name));
    RB_TRY(add(*entry, signature));
    rows->next();
  }
  return {};
}

Status DirectoryOutput::add(Entry entry, const Signature& signature) {
  if (cache_) cache_->add(entry, signature);
  context_.cache.checkpoint_now_and_then();  // a large directory takes long
  return builder_->add(std::move(entry));
}

Result<DirectoryOutput::Finished> DirectoryOutput::finish() {
  if (!builder_) return Finished{.tree = *cached_tree_, .clean = true};
  RB_TRY(const ObjectId tree, builder_->finish());
  if (cache_) cache_->close(tree, pages_.all);
  context_.cache.checkpoint_now_and_then();
  return Finished{.tree = tree, .clean = false};
}

}  // namespace rb
