#include "tree/page_copy.h"

namespace rb {
namespace {

bool before(const PageWalker& walker, const std::optional<std::string>& limit) {
  return !walker.at_end() && (!limit || walker.name() < *limit);
}

// Whether the whole page at the walker is before the limit.
bool page_before(const PageWalker& walker, const std::optional<std::string>& limit) {
  const std::optional<std::string_view> bound = walker.bound();
  return !limit || (bound && *bound <= *limit);
}

}  // namespace

Status copy_or_expand(PageWalker& walker, DirectoryBuilder& builder, MoreFollows more) {
  const bool last = !walker.bound().has_value();
  RB_TRY(bool copied, builder.add_page(walker.page(), walker.page_level(), last));
  if (!copied && last && more == MoreFollows::no) {
    RB_TRY(copied, builder.add_last_page(walker.page(), walker.page_level()));
  }
  if (!copied) return walker.expand();
  walker.skip();
  return {};
}

Status copy_until(PageWalker& walker, DirectoryBuilder& builder, const std::optional<std::string>& limit) {
  while (before(walker, limit)) {
    if (walker.at_entry()) {
      RB_TRY(builder.add(walker.entry()));
      walker.skip();
    } else if (page_before(walker, limit)) {
      RB_TRY(copy_or_expand(walker, builder, limit ? MoreFollows::yes : MoreFollows::no));
    } else {
      RB_TRY(walker.expand());
    }
  }
  return {};
}

Status drop_until(PageWalker& walker, const std::optional<std::string>& limit) {
  while (before(walker, limit)) {
    if (walker.at_entry() || page_before(walker, limit)) {
      walker.skip();
    } else {
      RB_TRY(walker.expand());
    }
  }
  return {};
}

}  // namespace rb
