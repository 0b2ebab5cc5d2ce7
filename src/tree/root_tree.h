// Trees of a whole snapshot, addressed by absolute path. The root page holds one entry with an empty name,
// "/". A path here is a list of components: raw names, none empty, "/" being the empty list.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "format/object_io.h"
#include "format/tree_page.h"

namespace rb {

using PathComponents = std::vector<std::string>;

// "/a//b/" -> {"a", "b"}. Errc::invalid_argument for a relative path or one with "." or ".." in it.
Result<PathComponents> split_path(std::string_view absolute_path);
std::string join_path(const PathComponents& components);

// The entry at the path, "/" included; nothing when there is none, or a component on the way is not a
// directory.
Result<std::optional<Entry>> find_path(ObjectSource& source, const ObjectId& root_page,
                                       const PathComponents& path);

// Puts `entry` at the path (its name is set to the last component), or removes what is there (nothing).
// Ancestors that do not exist or are not directories are made from `ancestors`, the entries of "/", the first
// component, ... down to the parent (each marked implied); ancestors that exist stay as they are, but an
// implied one takes the new metadata of `ancestors` when it differs. Where one is marked as carried over and
// `entry` is not, the mark moves to what stands beside the way. Else loads and writes the pages on the way
// only. `root_page` nothing: an empty copy.
Result<ObjectId> splice_path(ObjectSource& source, ObjectSink& sink, const std::optional<ObjectId>& root_page,
                             const PathComponents& path, const std::vector<Entry>& ancestors,
                             std::optional<Entry> entry);

}  // namespace rb
