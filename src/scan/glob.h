// Patterns over raw bytes: `*` and `?` do not match '/', `**` does, and "**/" at the start of a component
// also stands for nothing at all; `[a-z]` and `[!a-z]` are sets of bytes that never match '/'; `\` quotes the
// byte after it.
#pragma once

#include <string_view>

#include "base/error.h"

namespace rb {

// Whether a pattern is one: sets are closed and not empty, a quote has something to quote. Says what is
// wrong.
Status check_glob(std::string_view glob);

// Whether it has no special bytes, so that it matches only itself.
bool is_literal_glob(std::string_view glob);

// Requires: check_glob(glob). No recursion and no memory; at worst (many `*` after a `**`) the time grows
// with the square of the text, never exponentially.
bool glob_matches(std::string_view glob, std::string_view text);

}  // namespace rb
