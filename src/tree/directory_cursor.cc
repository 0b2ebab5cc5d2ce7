#include "tree/directory_cursor.h"

#include "tree/page_walker.h"

namespace rb {

struct DirectoryCursor::Impl {
  PageWalker walker;
  bool opened = false;

  Status open() {
    if (opened) return {};
    RB_TRY(walker.open());
    opened = true;
    return {};
  }
  // Opens pages until there is an entry or the end.
  Status settle() {
    RB_TRY(open());
    while (walker.at_page()) {
      walker.read_ahead();
      RB_TRY(walker.expand());
    }
    return {};
  }
};

DirectoryCursor::DirectoryCursor(ObjectSource& source, const ObjectId& root_page)
    : impl_(new Impl{PageWalker(source, root_page)}) {}
DirectoryCursor::~DirectoryCursor() = default;
DirectoryCursor::DirectoryCursor(DirectoryCursor&&) noexcept = default;

Result<const Entry*> DirectoryCursor::current() {
  RB_TRY(impl_->settle());
  if (impl_->walker.at_end()) return nullptr;
  return &impl_->walker.entry();
}

Status DirectoryCursor::next() {
  RB_TRY(impl_->settle());
  if (!impl_->walker.at_end()) impl_->walker.skip();
  return {};
}

Status DirectoryCursor::seek(std::string_view name) {
  RB_TRY(impl_->open());
  return impl_->walker.seek(name);
}

Result<std::optional<Entry>> find_entry(ObjectSource& source, const ObjectId& root_page,
                                        std::string_view name) {
  PageWalker walker(source, root_page);
  RB_TRY(walker.open());
  RB_TRY(walker.seek(name));
  while (walker.at_page() && walker.name() == name)
    RB_TRY(walker.expand());
  if (walker.at_entry() && walker.name() == name) return walker.entry();
  return std::nullopt;
}

Result<std::vector<Entry>> read_directory(ObjectSource& source, const ObjectId& root_page) {
  std::vector<Entry> entries;
  DirectoryCursor cursor(source, root_page);
  for (;;) {
    RB_TRY(const Entry* entry, cursor.current());
    if (entry == nullptr) return entries;
    entries.push_back(*entry);
    RB_TRY(cursor.next());
  }
}

Result<std::uint64_t> directory_entry_count(ObjectSource& source, const ObjectId& root_page) {
  PageWalker walker(source, root_page);
  RB_TRY(walker.open());
  return walker.at_end() ? 0 : walker.page().entry_count;
}

Result<TreePage> load_tree_page(ObjectSource& source, const ObjectId& id) {
  RB_TRY(const std::shared_ptr<const Object> object, source.load(id));
  if (object->kind != ObjectKind::tree)
    return fail(Errc::corrupt, "tree page " + to_hex(id) + ": not a tree");
  auto page = decode_tree_page(object->refs, object->payload);
  if (!page) return std::unexpected(page.error().with("tree page " + to_hex(id)));
  return page;
}

}  // namespace rb
