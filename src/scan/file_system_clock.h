// Whose clock the times of files come from.
#pragma once

namespace rb {

// Whether the file system of `fd` is known to set times by this machine's clock, so that they can be compared
// with it: a local one. False for all that are not known, and where nothing can be learnt.
bool has_own_clock(int fd);

}  // namespace rb
