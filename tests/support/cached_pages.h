// Entries into a directory of the file cache as a backup brings them: in pages, with a checkpoint where one
// is asked for.
#pragma once

#include "scan/file_cache.h"

namespace rb::test {

class CachedPages {
 public:
  CachedPages(FileCacheWriter& to, std::string_view path, std::size_t page_entries = 64)
      : directory_(to.begin_directory(path)), page_entries_(page_entries) {}
  ~CachedPages() {
    if (directory_) directory_->checkpoint(open_);
  }
  CachedPages(CachedPages&&) = default;
  CachedPages& operator=(CachedPages&&) = delete;

  void add(const Entry& entry, const Signature& signature) {
    directory_->add_row(entry.name, entry.type, signature);
    open_.entries.push_back(entry);
    if (open_.entries.size() == page_entries_) close_page();
    if (directory_->wants_checkpoint()) directory_->checkpoint(open_);
  }

  void close(const ObjectId& tree, const std::vector<ObjectId>& page_ids) {
    if (!open_.entries.empty()) close_page();
    directory_->close(tree, page_ids);
    directory_.reset();
  }

  // Of the pages that are whole, in order.
  const std::vector<ObjectId>& leaves() const { return leaves_; }

 private:
  void close_page() {
    const Object leaf = encode_tree_page(open_);
    leaves_.push_back(object_id(leaf));
    directory_->close_page(leaves_.back(), leaf);
    open_.entries.clear();
  }

  std::unique_ptr<FileCacheWriter::Directory> directory_;
  const std::size_t page_entries_;
  TreePage open_;
  std::vector<ObjectId> leaves_;
};

}  // namespace rb::test
