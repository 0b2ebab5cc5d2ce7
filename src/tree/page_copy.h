// Copies what stands at a walker into a builder, whole pages where that means the same. Internal to this
// layer.
#pragma once

#include "tree/directory_builder.h"
#include "tree/page_walker.h"

namespace rb {

// Copies the page at the walker and moves past it, or opens it. Requires: walker.at_page(); `more_follows`
// says whether anything can come after it from elsewhere.
enum class MoreFollows : bool { no, yes };
Status copy_or_expand(PageWalker& walker, DirectoryBuilder& builder, MoreFollows more);

// Copies all that is less than `limit` (everything, when there is no limit: then nothing may be added
// afterwards).
Status copy_until(PageWalker& walker, DirectoryBuilder& builder, const std::optional<std::string>& limit);

// Moves past all that is less than `limit`.
Status drop_until(PageWalker& walker, const std::optional<std::string>& limit);

}  // namespace rb
